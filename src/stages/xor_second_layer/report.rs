//! Claims and figures of the alignment of the second layer.

use crate::error::Result;
use crate::plot::{Axis, Caption, Colour, Dash, Figure, Marker, Style, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::{Curves, Statistics, Subspace, last, mean};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::panels::{band_and_mean, over_time};
use crate::stages::common::xor::{WIDE, WIDE_CONTRAST, width};
use crate::stages::xor_second_layer::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-second-layer",
    kind: Kind::Theorem,
    title: "The second layer and the outlier eigenspaces of its blocks align with a subspace that moves",
    source: "src/stages/xor_second_layer/mod.rs",
    report: file!(),
    claims: &["B2.weights", "B2.hessian", "B2.gradient", "B2.outliers", "B2.null", "B2.moves"],
    figures: &["xor-second-layer"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least alignment at the end, of v and of eigenspaces with `B_t`, and of v with the eigenspace of `H_vv`.
const ALIGNED: f64 = 0.95;
/// Least distance of `ρ(v; B_t)` at the end from the null level `√(dim/K)` of a random vector.
const ABOVE_NULL: f64 = 0.25;
/// Largest overlap `‖P_0 P_T‖_F²/dim` of `B_t` at the start and at the end.
const MOVED: f64 = 0.5;

/// The overlap of outlier eigenspaces with `B_t`.
fn overlap(statistics: &Statistics, matrix: Matrix) -> Curves {
    statistics.of(WIDE, "overlap").matrix(matrix).curves()
}

/// The overlap of `B_t` with `B_0`.
fn with_start(statistics: &Statistics, experiment: &str) -> Curves {
    statistics.of(experiment, "overlap").with(Subspace::Start).curves()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = Statistics::read(results, "statistics")?;
    let alignments = Statistics::read(results, "alignment")?;
    let rho = |subspace: Subspace| last(&alignments.in_experiment(WIDE).with(subspace).curves());
    let k = f64::from(width(results.experiment(WIDE)?));
    let trained = rho(Subspace::Means);
    let above_null: Vec<f64> = trained
        .iter()
        .zip(last(&statistics.of(WIDE, "dimension").curves()))
        .map(|(rho, dimension)| rho - (dimension / k).sqrt())
        .collect();
    Ok(vec![
        declare("B2.weights")
            .says("v aligns with B_t")
            .statistic("rho(v; B_t) at the end")
            .at_least(ALIGNED)
            .measure(&trained)?,
        declare("B2.hessian")
            .says("the outlier eigenspace of H_vv aligns with B_t")
            .statistic("|P_U P_B|_F^2 / dim U for the eigenvectors of the outliers of H_vv at the end")
            .at_least(ALIGNED)
            .measure(&last(&overlap(&statistics, Matrix::Hessian)))?,
        declare("B2.gradient")
            .says("the outlier eigenspace of G_vv aligns with B_t")
            .statistic("|P_U P_B|_F^2 / dim U for the eigenvectors of the outliers of G_vv at the end")
            .at_least(ALIGNED)
            .measure(&last(&overlap(&statistics, Matrix::Gradient)))?,
        declare("B2.outliers")
            .says("v aligns with the outlier eigenspace of H_vv")
            .statistic("rho(v; eigenvectors of the outliers of H_vv) at the end")
            .at_least(ALIGNED)
            .measure(&rho(Subspace::Outliers(Matrix::Hessian)))?,
        declare("B2.null")
            .says("the alignment of v with B_t is far above that of a random vector")
            .statistic("rho(v; B_t) - sqrt(dim B_t / K) at the end")
            .at_least(ABOVE_NULL)
            .measure(&above_null)?,
        declare("B2.moves")
            .says("the subspace B_t moves during training")
            .statistic("|P_0 P_T|_F^2 / dim of B_t at the end and at the start")
            .at_most(MOVED)
            .measure(&last(&with_start(&statistics, WIDE)))?,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let statistics = Statistics::read(results, "statistics")?;
    let alignments = Statistics::read(results, "alignment")?;
    let (wide, contrast) = (results.experiment(WIDE)?, results.experiment(WIDE_CONTRAST)?);
    let n = wide.replicates;
    let caption = Caption::new(
        "Alignment of the second layer with a moving subspace and with the outlier eigenspaces",
        format!(
            "(a, b) Alignment ρ(v; B_t) of the second layer with B_t = Span(relu(±W(t)μ), relu(±W(t)ν)) over training time t, at \
             λ = {} and λ = {}; dashed, the level that a random vector would have. (c) Share of the outlier eigenspaces of \
             H_vv (discs) and of G_vv (open squares) that lies in B_t, λ = {}. (d) Overlap of B_t with B_0. Marks and lines are \
             means and bands the range over {n} replicates, with dashed sides for G_vv in c and for the smaller λ in d",
            wide.problem.lambda(),
            contrast.problem.lambda(),
            wide.problem.lambda()
        ),
        setting(&[wide, contrast], &[Symbol::SecondBlock, Symbol::Alignment, Symbol::Overlap]),
        "v moves into B_t, far above the level of chance, and so do the outlier eigenspaces, while B_t itself moves away from \
         where it started",
    );
    let mut figure = Figure::new("xor-second-layer", caption, Width::Full, 2);
    for name in [WIDE, WIDE_CONTRAST] {
        let experiment = results.experiment(name)?;
        let k = f64::from(width(experiment));
        let rho = alignments.in_experiment(name).with(Subspace::Means).curves();
        let null = mean(&statistics.of(name, "dimension").curves())
            .into_iter()
            .map(|(time, dimension)| (time, (dimension / k).sqrt()))
            .collect();
        let black = (Style::measured(Colour::Black).size(2.6), Dash::Solid);
        let panel = over_time(Axis::linear(r"alignment $\rho(v; B_t)$").range(0.0, 1.04))
            .title(format!(r"$K = {k}$, $\lambda = {}$", experiment.problem.lambda()));
        figure = figure.panel(band_and_mean(panel, n, "SGD, mean".to_owned(), black, &rho).line(
            r"null level $(\dim B_t / K)^{1/2}$",
            Style::theory(Colour::Black).dash(Dash::Dashed),
            null,
        ));
    }
    let mut spanned =
        over_time(Axis::linear("outlier spaces with $B_t$\n$\\| P_U P_B\\|_F^2/\\dim U$").range(0.5, 1.02))
            .title(format!(r"$\lambda = {}$ (enlarged)", results.experiment(WIDE)?.problem.lambda()));
    let squares = |colour| Style::measured(colour).marker(Marker::OpenSquare).size(3.6);
    for (matrix, label, style) in [
        (Matrix::Hessian, "H", (Style::measured(Colour::Blue).size(2.6), Dash::Solid)),
        (Matrix::Gradient, "G", (squares(Colour::Vermillion), Dash::Dashed)),
    ] {
        let label = format!(r"outliers of ${label}_{{vv}}$, mean");
        spanned = band_and_mean(spanned, n, label, style, &overlap(&statistics, matrix));
    }
    let mut moves = over_time(
        Axis::linear("overlap with the start\n$\\| P_{B_t} P_{B_0}\\|_F^2/\\dim$").range(0.0, 1.02),
    );
    for (name, style) in [
        (WIDE, (Style::measured(Colour::Green).size(2.6), Dash::Solid)),
        (WIDE_CONTRAST, (squares(Colour::Purple), Dash::Dashed)),
    ] {
        let label = format!(r"$B_t$ at $\lambda = {}$, mean", results.experiment(name)?.problem.lambda());
        moves = band_and_mean(moves, n, label, style, &with_start(&statistics, name));
    }
    Ok(vec![figure.panel(spanned).panel(moves)])
}
