//! Top eigenvalues of the first-layer blocks along training: two outliers, then the bulk.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Figure, Marker, Panel, Series, Style, Width};
use crate::spectrum::query::Question;
use crate::stage::claim::Claim;
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{Eigenvalue, Statistic, curves, spectrum_rows, spectrum_table, statistics_table};
use crate::stage::{Data, Kind, Results, Settings, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::shared::{MATRICES, Statistics, at, query};
use crate::stages::common::xor::{CONTRAST, MAIN, first, first_layer, law_of_sample, predicted, width};
use crate::table::Table;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-eigenvalues-first",
    kind: Kind::Figure,
    title: "Top eigenvalues of a first-layer block along training: two outliers, then the bulk",
    source: file!(),
    report: file!(),
    claims: &[],
    figures: &["xor-eigenvalues-first"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

/// Eigenpairs shown of a block.
const TOP: u32 = 10;
/// The neuron whose block is shown; those of the others differ by the factor `v_i²` and by their gates.
const NEURON: u32 = 0;
/// Checkpoints at which it is shown.
const TIMES: Checkpoints = Checkpoints::Spread(25);

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    [MAIN, CONTRAST]
        .into_iter()
        .map(|name| {
            Ok(first_layer(settings, name)?.first_replicate(TIMES, first(NEURON), Question::Top(TOP)))
        })
        .collect()
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let (mut spectrum, mut theory) = (Vec::new(), Vec::new());
    for name in [MAIN, CONTRAST] {
        let experiment = data.experiment(name)?;
        let trajectory = data.trajectory(name, 0)?;
        for checkpoint in TIMES.indices(experiment.schedule().len()) {
            let Some(observed) = trajectory.checkpoints.get(checkpoint) else { continue };
            let here = at(experiment, 0, observed);
            let question = query(checkpoint, first(NEURON), Question::Top(TOP));
            let law = law_of_sample(experiment, observed)?;
            for ((matrix, of), pairs) in MATRICES.into_iter().zip(&data.pairs(name, 0, question)?) {
                spectrum.extend(Eigenvalue::of_block(&here, matrix, &question, pairs));
                let predicted = predicted(experiment, &law, of, NEURON as usize)?;
                let edge = predicted.right_edge().position;
                theory.push(Statistic::plain(&here, format!("edge, {matrix}"), edge));
                for (rank, outlier) in (1..).zip(predicted.outliers_above()?) {
                    theory.push(Statistic::of(&here, format!("outlier, {matrix}"), rank, outlier.position));
                }
            }
        }
    }
    Ok(vec![spectrum_table(&spectrum)?, statistics_table("theory", &theory)?])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let rows = spectrum_rows(results.table("spectrum")?)?;
    let theory = Statistics::read(results, "theory")?;
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let caption = Caption::new(
        "Top eigenvalues of a first-layer block of H and of G along training",
        format!(
            "The {TOP} largest eigenvalues of the block of neuron 1 of H (a, c) and of G (b, d) over training time t in replicate \
             0, at λ = {} (a, b) and λ = {} (c, d); colour is the rank. Crosses are the outliers and the dashed line is the \
             edge of the bulk that theory predicts",
            main.model.lambda, contrast.model.lambda
        ),
        setting(&[main, contrast], &[Symbol::Blocks]),
        "Two eigenvalues stand above the bulk at all times; at the smaller λ single rare samples, of large weight in G, lift \
         others to the edge and beyond it",
    );
    let mut figure = Figure::new("xor-eigenvalues-first", caption, Width::Full, 2);
    for name in [MAIN, CONTRAST] {
        let experiment = results.experiment(name)?;
        for (matrix, label) in [("hessian", "H"), ("gradient", "G")] {
            let ranked = (1..=TOP)
                .filter_map(|rank| {
                    let wanted = |row: &&Eigenvalue| {
                        row.at.experiment == name && row.matrix == matrix && row.rank == rank
                    };
                    curves(rows.iter().filter(wanted).map(|row| (&row.at, row.eigenvalue))).remove(&0)
                })
                .collect();
            let outliers = theory
                .rows(name, &format!("outlier, {matrix}"))
                .map(|row| (row.at.time, row.value))
                .collect();
            let edge = theory.curves(name, &format!("edge, {matrix}"), None).remove(&0).unwrap_or_default();
            figure = figure.panel(
                Panel::new(
                    Axis::linear("training time $t$"),
                    Axis::log(format!(r"eigenvalue of ${label}_{{W_1W_1}}$")),
                )
                .title(format!(r"$K = {}$, $\lambda = {}$", width(experiment), experiment.model.lambda))
                .series(Series::ranked(
                    "rank (measured, replicate 0)",
                    Style::measured(Colour::Black),
                    ranked,
                ))
                .series(Series::points(
                    "predicted outlier",
                    Style::theory(Colour::Vermillion).marker(Marker::Cross).size(3.0),
                    outliers,
                ))
                .series(Series::line(
                    "predicted edge of the bulk",
                    Style::theory(Colour::Black),
                    edge,
                )),
            );
        }
    }
    Ok(vec![figure])
}
