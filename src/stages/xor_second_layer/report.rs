//! Claims and figures of the alignment of the second layer.

use crate::error::Result;
use crate::plot::{Axis, Caption, Dash, Figure, Panel, Style, Width};
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{self, Curves, Selection, Statistics, Subspace, at_end, at_start};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::number;
use crate::stages::common::judging::{Keyed, deficit, folded, keyed, mean};
use crate::stages::common::looks;
use crate::stages::common::panels::{band_and_mean, mapped, over_log_time};
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::words::parameters;
use crate::stages::common::xor::{WIDE, WIDE_CONTRAST, width};
use crate::stages::xor_second_layer::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-second-layer",
    kind: Kind::Theorem,
    on_request: false,
    title: "The second layer and the outlier eigenspaces of its blocks align with a subspace that moves",
    source: "src/stages/xor_second_layer/mod.rs",
    report: file!(),
    claims: &[
        "B2.weights",
        "B2.hessian",
        "B2.outliers-hessian",
        "B2.gradient",
        "B2.outliers-gradient",
        "B2.hessian-contrast",
        "B2.outliers-hessian-contrast",
        "B2.gradient-contrast",
        "B2.outliers-gradient-contrast",
        "B2.moves",
    ],
    figures: &["xor-second-layer"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest mean over the times of a run of the difference between measured and predicted alignment of v with outlier eigenspaces.
///
/// An eigenvalue of a sample of n = 4d has a relative error of 0.02 or so, and grows by a factor 1.6 from one of 25 checkpoints to
/// the next where it crosses the level: with the chance 0.08 a checkpoint is where sample and law count differently. Three
/// crossings make 0.24 such checkpoints in a run, at each of which the alignment differs by at most 1: 0.01 on average over the
/// times, with a standard deviation of 0.02 between runs, of which 7.6 standard errors of 24 runs are 0.03.
const CROSSINGS: f64 = 0.04;
/// The same for the overlap of outlier eigenspaces with `B_t`. The eigenvector in question lies in `B_t` for more than half, and so
/// do one to three others of the space: the overlap differs by a quarter at most.
const CROSSED: f64 = 0.01;
/// Largest overlap `‖P_0 P_T‖_F²/dim` of `B_t` at the start and at the end: as much inside the space of the start as outside.
const MOVED: f64 = 0.5;

/// The overlap of `B_t` with `B_0`.
fn with_start(statistics: &Statistics, experiment: &str) -> Curves {
    statistics.of(experiment, "overlap").with(Subspace::Start).curves()
}

/// How far the alignment of v with `B_t` is from the theorem's bound with its constants.
fn bounded(results: &Results) -> Result<Claim> {
    let experiment = results.experiment(WIDE)?;
    let end = experiment.schedule().last().copied().unwrap_or(0);
    let rate = 1.0 / experiment.problem.lambda().sqrt();
    let left = keyed(&Statistics::read(results, "statistics")?.of(WIDE, "left of the start"));
    let sines = Statistics::column(results.table("alignment")?, "sine")?;
    let ratio = |subspace: Subspace, step: u64| -> Values {
        let found = keyed(&sines.in_experiment(WIDE).with(subspace).step(step)).into_iter();
        found
            .filter_map(|(key, sine)| Some((key.0, sine / (rate + left.get(&(key.0, end, key.2))?))))
            .collect()
    };
    declare("B2.weights", ClaimKind::Bound)
        .says("v aligns with B_t, up to lambda^{-1/2} and what is left of its start")
        .statistic("sin(v; B_t) / (lambda^{-1/2} + e^{-beta T} |v(0)|/|v(T)|) at the end; heavy tails, from neurons that never align")
        .about([WIDE])
        .at_most(
            1.0,
            theory("alignment up to O(epsilon + lambda^{-1/2}): the gradient of v lies in B_t up to the noise of the features, and the ridge leaves e^{-beta T} of the start"),
        )
        .null("random-subspace", ratio(Subspace::Random, end))
        .null("start", ratio(Subspace::Means, 0))
        .median(ratio(Subspace::Means, end))
}

/// Alignments of one matrix in one experiment against their prediction along training.
fn followed(results: &Results, name: &str, (matrix, symbol): (Matrix, &str)) -> Result<[Claim; 2]> {
    let (statistics, predictions) = Statistics::both(results)?;
    let rho = Statistics::read(results, "alignment")?;
    let lambda = results.experiment(name)?.problem.lambda();
    let suffix = if name == WIDE { "" } else { "-contrast" };
    let expected = |statistic: &str, subspace: Option<Subspace>| {
        keyed(&predictions.of(name, statistic).matrix(matrix).only(|row| row.of.subspace == subspace))
    };
    let apart = |found: Keyed, expected: &Keyed| {
        let pairs = expected.iter().map(|(key, foretold)| {
            // Without any outlier nothing is aligned with their space.
            (key.0, (found.get(key).copied().unwrap_or(0.0) - foretold).abs())
        });
        folded(pairs, mean)
    };
    let of_space = |subspace: Subspace| {
        let found = statistics.of(name, "overlap").with(subspace);
        keyed(&found.only(|row| row.of.matrix.is_none() || row.of.matrix == Some(matrix)))
    };
    let of_v = |subspace: Subspace| keyed(&rho.in_experiment(name).with(subspace));
    // The prediction for the start, kept for all times.
    let still = |expected: &Keyed| -> Keyed {
        let start = |key: &(u32, u64, u32)| expected.get(&(key.0, 0, key.2)).copied();
        expected.keys().filter_map(|key| Some((*key, start(key)?))).collect()
    };
    let (spaces, weights) = (expected("overlap", Some(Subspace::Means)), expected("alignment", None));
    let basis = |constant: &str| {
        theory(format!(
            "sample and law count differently at a quarter of a checkpoint of 25 per run, and 7.6 standard errors (constant {constant})"
        ))
    };
    let words = "mean over the checkpoints of |measured - predicted|";
    Ok([
        declare(format!("B2.{}{suffix}", matrix.name()), ClaimKind::Prediction)
            .says(format!("the outlier eigenspace of {symbol}_vv lies in B_t as much as predicted, along the whole of training (lambda = {lambda})"))
            .statistic(format!("{words} |P_U P_B|_F^2 / dim U of the eigenvectors of the outliers"))
            .about([name])
            .predicted(0.0)
            .at_most(CROSSED, basis("CROSSED"))
            .null("principal-components", apart(of_space(Subspace::Components), &spaces))
            .null("random-subspace", apart(of_space(Subspace::Random), &spaces))
            .null("static-theory", apart(still(&spaces), &spaces))
            .mean(apart(of_space(Subspace::Means), &spaces))?,
        declare(format!("B2.outliers-{}{suffix}", matrix.name()), ClaimKind::Prediction)
            .says(format!("v lies in the outlier eigenspace of {symbol}_vv as much as predicted, along the whole of training (lambda = {lambda})"))
            .statistic(format!("{words} rho(v; eigenvectors of the outliers)"))
            .about([name])
            .predicted(0.0)
            .at_most(CROSSINGS, basis("CROSSINGS"))
            .null("principal-components", apart(of_v(Subspace::Components), &weights))
            .null("random-subspace", apart(of_v(Subspace::Random), &weights))
            .null("static-theory", apart(still(&weights), &weights))
            .mean(apart(of_v(Subspace::Outliers(matrix)), &weights))?,
    ])
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let overlaps = with_start(&statistics, WIDE);
    let mut claims = vec![bounded(results)?];
    for name in [WIDE, WIDE_CONTRAST] {
        for matrix in SYMBOLS {
            claims.extend(followed(results, name, matrix)?);
        }
    }
    claims.push(
        declare("B2.moves", ClaimKind::Bound)
            .says("the subspace B_t moves during training, away from where random rows had put it")
            .statistic("|P_0 P_T|_F^2 / dim of B_t at the end and at the start")
            .about([WIDE])
            .at_most(
                MOVED,
                chosen("half of the space is new; a space of chance has the overlap dim/K, far below"),
            )
            .null("static-theory", at_start(&overlaps))
            .mean(at_end(&overlaps))?,
    );
    Ok(claims)
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, theory) = Statistics::both(results)?;
    let sines = Statistics::column(results.table("alignment")?, "sine")?;
    let (wide, contrast) = (results.experiment(WIDE)?, results.experiment(WIDE_CONTRAST)?);
    let n = wide.replicates;
    let last = |rows: &Selection| rows::average(&at_end(&rows.curves()).into_values().collect::<Vec<_>>());
    let rho = Statistics::read(results, "alignment")?;
    let aligned = |experiment: &Experiment| {
        let of = |matrix| last(&rho.in_experiment(&experiment.name).with(Subspace::Outliers(matrix)));
        format!("{} (H) and {} (G)", number(of(Matrix::Hessian), 2), number(of(Matrix::Gradient), 2))
    };
    let count = |matrix| last(&theory.of(&contrast.name, "outliers").matrix(matrix));
    let dimension = last(&statistics.of(&contrast.name, "dimension"));
    let moved = last(&statistics.of(WIDE, "overlap").with(Subspace::Start));
    let caption = Caption::new(
        "The second layer aligns with a moving subspace, and with outlier spaces that are complete",
        format!(
            "(a, b) 1 − ρ(v; B) for B = B_t and the outlier spaces of H_vv and G_vv: marks and lines, mean; bands, range over {n} \
             replicates; dashed, predicted; dotted, chance. (c) Share of outlier spaces outside B_t (darker: λ = {}). (d) \
             Overlap of B_t with B_0",
            contrast.problem.lambda(),
        ),
        parameters(&[wide, contrast]),
        format!(
            "At the end v has ρ = {} with the outlier spaces at λ = {}, but {} at λ = {}: theory has {} and {} of the {} eigenvalues of B_t above the level there, and v along the others. B_t keeps {} of B_0",
            aligned(wide),
            wide.problem.lambda(),
            aligned(contrast),
            contrast.problem.lambda(),
            number(count(Matrix::Hessian), 1),
            number(count(Matrix::Gradient), 1),
            number(dimension, 0),
            number(moved, 2)
        ),
    );
    let mut figure = Figure::new("xor-second-layer", caption, Width::Full, 2);
    for experiment in [wide, contrast] {
        figure = figure.panel(alignments((&sines, &statistics, &theory), experiment));
    }
    let mut spanned =
        over_log_time(wide, Axis::log("outlier spaces outside $B_t$\n$1 - \\| P_U P_B\\|_F^2/\\dim U$"));
    let mut moves = over_log_time(
        wide,
        Axis::linear("overlap with the start\n$\\| P_{B_t} P_{B_0}\\|_F^2/\\dim$").range(0.0, 1.02),
    );
    for (experiment, dark) in [(wide, false), (contrast, true)] {
        let shade = |style: Style| if dark { style.darker().dash(Dash::Dashed) } else { style };
        let lambda = experiment.problem.lambda();
        for (matrix, label) in SYMBOLS {
            let of = statistics.of(&experiment.name, "overlap").matrix(matrix).with(Subspace::Means).curves();
            let style = shade(looks::matrix(matrix));
            let label = format!(r"${label}_{{vv}}$, $\lambda = {lambda}$");
            spanned = spanned.marked_line(label, style, rows::mean(&mapped(of, |overlap| 1.0 - overlap)));
        }
        let style = shade(looks::weights());
        let label = format!(r"$B_t$, $\lambda = {lambda}$");
        moves =
            band_and_mean(moves, n, label, (style, style.dash), &with_start(&statistics, &experiment.name));
    }
    Ok(vec![figure.panel(spanned).panel(moves).axes_height(112.0)])
}

/// `1 - ρ(v; B)` for the three spaces, measured and predicted.
fn alignments(
    (sines, statistics, theory): (&Statistics, &Statistics, &Statistics),
    experiment: &Experiment,
) -> Panel {
    let (name, k, n) = (&experiment.name, f64::from(width(experiment)), experiment.replicates);
    let curves = |subspace: Subspace| mapped(sines.in_experiment(name).with(subspace).curves(), deficit);
    let mut panel = over_log_time(experiment, Axis::log(r"error $1 - \rho(v; B)$"))
        .title(format!(r"$K = {k}$, $\lambda = {}$", experiment.problem.lambda()));
    let weights = looks::weights();
    panel =
        band_and_mean(panel, n, r"$B = B_t$".to_owned(), (weights, Dash::Solid), &curves(Subspace::Means));
    for (matrix, symbol) in SYMBOLS {
        let look = looks::matrix(matrix);
        let label = format!("$B$: outliers of ${symbol}_{{vv}}$");
        panel = band_and_mean(panel, n, label, (look, Dash::Solid), &curves(Subspace::Outliers(matrix)));
        let predicted = mapped(theory.of(name, "alignment").matrix(matrix).curves(), |rho| 1.0 - rho);
        panel = panel.line("predicted (mean)", looks::predicted(), rows::mean(&predicted));
    }
    let chance = rows::mean(&statistics.of(name, "dimension").curves());
    let chance = chance.into_iter().map(|(time, dimension)| (time, 1.0 - (dimension / k).sqrt())).collect();
    panel.line(r"chance, $1 - (\dim B_t / K)^{1/2}$", Style::reference(), chance)
}
