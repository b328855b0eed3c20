//! Figures of the stage `effective-spectrum`.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Marker, Panel, Style, Width};
use crate::problem::network::Layer;
use crate::stage::Results;
use crate::stage::rows::{Subspace, average, extent};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::dimensions::{by_dimension, dimension, noted, places, with_half_law};
use crate::stages::common::grid::bars;
use crate::stages::common::panels::over_time;
use crate::stages::common::shared::SYMBOLS;
use crate::stages::effective_spectrum::report::compared::{Against, Compared};
use std::collections::BTreeMap;

/// The figures.
///
/// # Errors
/// Tables of another shape.
pub fn draw(results: &Results) -> Result<Vec<Figure>> {
    let compared = Compared::read(results)?;
    let gmm = [(Layer::X, "{11}", [("outlier", true), ("overlap", false)])];
    let xor = [
        (Layer::W, "{W_1W_1}", [("outlier", true), ("overlap", false)]),
        (Layer::V, "{vv}", [("outlier", true), ("overlap", false)]),
    ];
    Ok(vec![
        in_time(
            results,
            &compared,
            "gmm",
            [
                "Outliers of task A against their prediction from the effective dynamics",
                "(a, b) Outliers of H_11 and of G_11 over training time t and (c, d) squared overlaps of their eigenvectors with \
                 the span of the means",
                "dashed in a and b",
            ],
            (&gmm, &[Symbol::Blocks]),
        ),
        in_time(
            results,
            &compared,
            "xor",
            [
                "Outliers of task B against their prediction from the effective dynamics",
                "(a, b) Outliers of H_(W_1W_1) and of G_(W_1W_1) over training time t and (c, d) squared overlaps of their \
                 eigenvectors with Span(μ, ν); (e, f) outliers of H_vv and of G_vv and (g, h) squared overlaps of their \
                 eigenvectors with the predicted ones, those of eigenvalues without a gap together, whose prediction is 1 by \
                 definition",
                "dashed in a and b",
            ],
            (&xor, &[Symbol::Blocks, Symbol::SecondBlock]),
        ),
        rates(results, &compared)?,
    ])
}

type Blocks<'a> = [(Layer, &'a str, [(&'a str, bool); 2])];

/// Outliers and overlaps over time at the largest dimension. `words`: the title, what the panels show, and where the edge is.
fn in_time(
    results: &Results,
    compared: &Compared,
    task: &str,
    [title, shown, edge]: [&str; 3],
    (blocks, symbols): (&Blocks, &[Symbol]),
) -> Figure {
    let experiments = by_dimension(results, task);
    let mut figure = Figure::new(
        format!("effective-spectrum-{task}"),
        Caption::new(
            title,
            format!(
                "{shown}: blue squares, mean over replicates; bars, their range; orange crosses, prediction from effective \
                 dynamics and effective spectrum, to which nothing measured enters; {edge}, the predicted edge of the bulk"
            ),
            setting(&experiments[experiments.len().saturating_sub(1)..], symbols),
            "Every outlier lies where it is predicted, from the start of training to its end",
        ),
        Width::Full,
        2,
    );
    let Some(experiment) = experiments.last() else { return figure };
    for (layer, block, whats) in blocks {
        for (what, log) in whats {
            for (matrix, symbol) in SYMBOLS {
                let predicted = |what: &str| {
                    compared.theory.of(&experiment.name, what).layer(*layer).matrix(matrix).points()
                };
                let y = if *log {
                    Axis::log(format!("eigenvalue of ${symbol}_{block}$"))
                } else {
                    let with = if *layer == Layer::V { "prediction" } else { "means" };
                    Axis::linear(format!("overlap with {with}, ${symbol}_{block}$"))
                };
                let mut bars = Vec::new();
                let mut places: BTreeMap<(u64, Option<u32>), (f64, Vec<f64>)> = BTreeMap::new();
                let measured = compared.statistics.of(&experiment.name, what).layer(*layer).matrix(matrix);
                let null =
                    |space: Option<Subspace>| matches!(space, Some(Subspace::Random | Subspace::Components));
                let measured = measured.only(|row| !null(row.of.subspace));
                for row in measured.iter() {
                    let place = places.entry((row.at.step, row.of.rank)).or_insert((row.at.time, Vec::new()));
                    place.1.push(row.value);
                }
                for (time, values) in places.values() {
                    let (mean, (low, high)) = (average(values), extent(values));
                    bars.push((*time, mean, low, high));
                }
                let mut panel = over_time(y)
                    .error_bars(
                        format!("measured: mean and range of {} replicates", experiment.replicates),
                        Style::measured(Colour::Blue).marker(Marker::OpenSquare).size(6.0),
                        bars,
                    )
                    .points(
                        "predicted",
                        Style::theory(Colour::Vermillion).marker(Marker::Cross).size(3.5),
                        predicted(what),
                    );
                if *log && *layer != Layer::V {
                    let style = Style::theory(Colour::Black);
                    panel = panel.line("predicted edge of the bulk", style, predicted("edge"));
                }
                figure = figure.panel(panel);
            }
        }
    }
    figure
}

/// The mean size of the deviation over dimension.
fn rates(results: &Results, compared: &Compared) -> Result<Figure> {
    let mut figure = Figure::new(
        "effective-spectrum-rates",
        Caption::new(
            "Deviation of outliers from their prediction over dimension",
            "Relative deviation of the outliers of H and G from their prediction by effective dynamics and effective spectrum, mean over outliers and times: marks, mean over replicates; bars, its 95 % interval; dash-dotted, a line of slope -1/2 through their middle. (a) Task A, block 11; (b) task B, blocks W_1W_1 and vv",
            setting(&results.all(), &[Symbol::Blocks, Symbol::SecondBlock]),
            "The deviation falls like d^(-1/2): it is fluctuation, not error of the theory",
        ),
        Width::Full,
        2,
    )
    .shared_y();
    for (task, title, layers) in
        [("gmm", "task A", &[Layer::X][..]), ("xor", "task B", &[Layer::W, Layer::V][..])]
    {
        let experiments = by_dimension(results, task);
        let bars = bars(&places(&experiments, dimension, |experiment| {
            compared.sizes(experiment, &experiments, layers, Against::Prediction)
        }))?;
        let panel =
            Panel::new(Axis::log("dimension $d$"), Axis::log("mean deviation of outliers")).title(title);
        let label = "mean of replicates, 95 % interval";
        let panel = with_half_law(panel, label, Style::measured(Colour::Blue), Colour::Blue, bars);
        let panel = noted(panel, (0.97, 0.93), &experiments, |experiment| {
            format!(
                r"$\lambda = {}$, $\phi = {}$",
                experiment.problem.lambda(),
                experiment.problem.training.phi
            )
        });
        figure = figure.panel(panel);
    }
    Ok(figure)
}
