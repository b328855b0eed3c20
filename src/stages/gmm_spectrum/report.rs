//! Claims and figures of the stage `gmm-spectrum`: a change here computes and reduces nothing again.

use crate::error::Result;
use crate::plot::{Caption, Figure, Width};
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::rows::extent;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::between;
use crate::stages::common::histograms::Spectra;
use crate::stages::common::mixture::{CONTRAST, MAIN};
use crate::stages::common::shared::{SYMBOLS, small};
use crate::stages::common::words::parameters;
use crate::stages::gmm_spectrum::{plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "gmm-spectrum",
    kind: Kind::Figure,
    on_request: false,
    title: "The whole spectrum of H_11 and G_11 at the start, during and at the end of training",
    source: "src/stages/gmm_spectrum/mod.rs",
    report: file!(),
    claims: &[],
    figures: &["gmm-spectrum"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

/// Numbers of predicted outliers at the times shown, fewest and most.
fn counted(spectra: &Spectra, experiment: &str, matrix: Matrix) -> String {
    let times = spectra.times(experiment);
    let counts: Vec<f64> = times
        .iter()
        .map(|(step, _)| f64::from(small(spectra.outliers(experiment, matrix, *step).len())))
        .collect();
    between(extent(&counts), 0)
}

/// Ends of the relative deviations of leading eigenvalues from their prediction, both matrices and all times, of replicate 0
/// and of all replicates, in percent.
fn off(spectra: &Spectra, experiment: &str) -> [String; 2] {
    let (mut first, mut all) = (Vec::new(), Vec::new());
    for (matrix, _) in SYMBOLS {
        for (step, _) in spectra.times(experiment) {
            let Some(predicted) = spectra.outliers(experiment, matrix, step).first().copied() else {
                continue;
            };
            for row in spectra.spectrum.in_experiment(experiment).matrix(matrix).rank(1).step(step).iter() {
                let off = 100.0 * (row.value / predicted - 1.0);
                all.push(off);
                if row.at.replicate == Some(0) {
                    first.push(off);
                }
            }
        }
    }
    [first, all].map(|values| between(extent(&values), 1))
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectra = Spectra::read(results)?;
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let [first, all] = off(&spectra, MAIN);
    let number = |name: &str, matrix: Matrix| counted(&spectra, name, matrix);
    let caption = Caption::new(
        "Whole spectra of one block of H and of G with the predicted bulk and outliers",
        format!(
            "Histograms of all eigenvalues of H_11 and G_11 in replicate 0 at three times and two λ, as density per decade: a single eigenvalue is a low bar; bands at the bars, range of each outlier over {} replicates. Dashed, the density, and triangles, the outliers predicted from the inner products of replicate 0",
            main.replicates
        ),
        parameters(&[main, contrast]),
        format!(
            "Theory has {} outliers of H and {} of G at λ = {}, {} and {} at λ = {}. At λ = {} leading eigenvalues of replicate 0 are {} % off, \
             those of all replicates {} %: one test sample serves all times",
            number(MAIN, Matrix::Hessian),
            number(MAIN, Matrix::Gradient),
            main.problem.lambda(),
            number(CONTRAST, Matrix::Hessian),
            number(CONTRAST, Matrix::Gradient),
            contrast.problem.lambda(),
            main.problem.lambda(),
            first,
            all
        ),
    );
    let mut figure = Figure::new("gmm-spectrum", caption, Width::Full, 3).shared_y();
    for experiment in [main, contrast] {
        for (matrix, label) in SYMBOLS {
            let block = format!("{label}_{{11}}");
            let (lambda, n) = (experiment.problem.lambda(), experiment.replicates);
            let panels = spectra.panels(&experiment.name, matrix, &block, lambda, n);
            figure = panels.into_iter().fold(figure, Figure::panel);
        }
    }
    Ok(vec![figure.axes_height(62.0)])
}
