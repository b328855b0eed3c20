//! Figures of the top eigenvalues of the first-layer blocks.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Width};
use crate::stage::claim::Claim;
use crate::stage::rows::Statistics;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::panels::eigenvalues;
use crate::stages::common::shared::SYMBOLS;
use crate::stages::common::xor::{CONTRAST, MAIN, width};
use crate::stages::xor_eigenvalues_first::{TOP, plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-eigenvalues-first",
    kind: Kind::Figure,
    on_request: false,
    title: "Top eigenvalues of a first-layer block along training: two outliers, then the bulk",
    source: "src/stages/xor_eigenvalues_first/mod.rs",
    report: file!(),
    claims: &[],
    figures: &["xor-eigenvalues-first"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectrum = Statistics::eigenvalues(results)?;
    let theory = Statistics::read(results, "theory")?;
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let caption = Caption::new(
        "Top eigenvalues of a first-layer block of H and of G along training",
        format!(
            "The {TOP} largest eigenvalues of the block of neuron 1 of H (a, c) and of G (b, d) over training time t in replicate \
             0, at λ = {} (a, b) and λ = {} (c, d); colour is the rank. Crosses are the outliers and the dashed line is the \
             edge of the bulk that theory predicts",
            main.problem.lambda(),
            contrast.problem.lambda()
        ),
        setting(&[main, contrast], &[Symbol::Blocks]),
        "Two eigenvalues stand above the bulk at all times; at the smaller λ single rare samples, of large weight in G, lift \
         others to the edge and beyond it",
    );
    let mut figure = Figure::new("xor-eigenvalues-first", caption, Width::Full, 2);
    for name in [MAIN, CONTRAST] {
        let experiment = results.experiment(name)?;
        for (matrix, label) in SYMBOLS {
            let ranked = spectrum.in_experiment(name).matrix(matrix).ranked(TOP);
            let predicted = |statistic: &str| theory.of(name, statistic).matrix(matrix).points();
            figure = figure.panel(
                eigenvalues(
                    Axis::log(format!(r"eigenvalue of ${label}_{{W_1W_1}}$")),
                    ("rank (measured, replicate 0)", ranked),
                    ("predicted outlier", 3.0, predicted("outlier")),
                    ("predicted edge of the bulk", predicted("edge")),
                )
                .title(format!(
                    r"$K = {}$, $\lambda = {}$",
                    width(experiment),
                    experiment.problem.lambda()
                )),
            );
        }
    }
    Ok(vec![figure])
}
