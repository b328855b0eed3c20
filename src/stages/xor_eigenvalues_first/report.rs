//! Figures of the top eigenvalues of the first-layer blocks.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Width};
use crate::problem::experiment::Experiment;
use crate::simulation::task::Matrix;
use crate::stage::claim::Claim;
use crate::stage::rows::extent;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{between, percent};
use crate::stages::common::histograms::Spectra;
use crate::stages::common::panels::{self, Expected, over_log_time};
use crate::stages::common::shared::{SYMBOLS, small};
use crate::stages::common::words::parameters;
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
    figures: &["xor-eigenvalues-first", "xor-spectrum"],
    plan,
    reduce,
    judge: |_| Ok(Vec::<Claim>::new()),
    draw,
};

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let spectra = Spectra::read(results)?;
    Ok(vec![eigenvalues(results, &spectra)?, spectrum(results, &spectra)?])
}

/// Largest number of eigenvalues above the edge by 10 % of it at any time, and largest deviation of the two outliers.
fn worst(spectra: &Spectra, experiment: &Experiment, matrix: Matrix) -> (usize, f64) {
    let name = &experiment.name;
    let (mut most, mut farthest) = (0, 0.0_f64);
    for edge in spectra.theory.of(name, "edge").matrix(matrix).iter() {
        let values = spectra.spectrum.in_experiment(name).matrix(matrix).step(edge.at.step).values();
        most = most.max(values.iter().filter(|value| **value > 1.1 * edge.value).count());
        let predicted = spectra.outliers(name, matrix, edge.at.step);
        let off = values.iter().zip(&predicted).map(|(value, predicted)| (value / predicted - 1.0).abs());
        farthest = off.fold(farthest, f64::max);
    }
    (most, farthest)
}

fn eigenvalues(results: &Results, spectra: &Spectra) -> Result<Figure> {
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let most = |experiment: &Experiment| Matrix::BOTH.map(|matrix| worst(spectra, experiment, matrix).0);
    let ([a, b], [c, d]) = (most(main), most(contrast));
    let off = Matrix::BOTH.map(|matrix| worst(spectra, main, matrix).1).into_iter().fold(0.0, f64::max);
    let caption = Caption::new(
        "Top eigenvalues of a first-layer block of H and of G along training",
        format!(
            "The {TOP} largest eigenvalues of the block of neuron 1 of H (a, c) and of G (b, d) over training time in replicate 0, at λ = {} (a, b) and λ = {} (c, d): lines, measured; dashed, outliers, and dotted, edge, predicted from its inner products",
            main.problem.lambda(),
            contrast.problem.lambda()
        ),
        parameters(&[main, contrast]),
        format!(
            "At λ = {} the outliers are within {} of their prediction, and at most {a} eigenvalues of H and {b} of G lie more than 10 % \
             above the edge; at λ = {} it is up to {c} and {d}, where single rare samples of large weight in G lift some",
            main.problem.lambda(),
            percent(off, 0),
            contrast.problem.lambda(),
        ),
    );
    let mut figure = Figure::new("xor-eigenvalues-first", caption, Width::Full, 2);
    for experiment in [main, contrast] {
        let name = &experiment.name;
        for (matrix, label) in SYMBOLS {
            let block = format!("{label}_{{W_1W_1}}");
            let theory = |statistic: &str| spectra.theory.of(name, statistic).matrix(matrix);
            let expected = Expected {
                eigenvalues: theory("outlier").ranked(TOP),
                label: "predicted edge of the bulk",
                line: theory("edge").points(),
            };
            let title = format!(r"$K = {}$, $\lambda = {}$", width(experiment), experiment.problem.lambda());
            let axes = over_log_time(experiment, Axis::log(format!("eigenvalue of ${block}$")));
            let ranked = spectra.spectrum.in_experiment(name).matrix(matrix).ranked(TOP);
            let bars = (experiment.replicates, Vec::new());
            figure = figure
                .panel(panels::eigenvalues(axes, (matrix, &block), ranked, expected, bars).title(title));
        }
    }
    Ok(figure)
}

/// Whole spectra at three times.
fn spectrum(results: &Results, spectra: &Spectra) -> Result<Figure> {
    let (main, contrast) = (results.experiment(MAIN)?, results.experiment(CONTRAST)?);
    let beyond = |experiment: &Experiment| {
        let ends = |matrix: Matrix| {
            let Some((step, _)) = spectra.times(&experiment.name).pop() else { return 0 };
            let edge = spectra.theory.of(&experiment.name, "edge").matrix(matrix).step(step).mean();
            let values = spectra.spectrum.in_experiment(&experiment.name).matrix(matrix).step(step).values();
            values.iter().filter(|value| **value > edge).count()
        };
        format!("{} of H and {} of G", ends(Matrix::Hessian), ends(Matrix::Gradient))
    };
    let foretold = |matrix: Matrix| {
        let counts = [main, contrast].map(|experiment| {
            let last = spectra.times(&experiment.name).pop().map_or(0, |(step, _)| step);
            f64::from(small(spectra.outliers(&experiment.name, matrix, last).len()))
        });
        between(extent(&counts), 0)
    };
    let caption = Caption::new(
        "Whole spectra of a first-layer block with the predicted bulk and outliers",
        "Histograms of all eigenvalues of the block of neuron 1 of H and of G in replicate 0 at three times and two λ, as density per decade: a single eigenvalue is a low bar. Dashed, the density, and triangles, the outliers predicted from its inner products alone",
        parameters(&[main, contrast]),
        format!(
            "At the end theory has {} outliers of H and {} of G at either λ; measured eigenvalues above its edge are {} at λ = {} and {} at λ = {}, since few large weights make the edge of G",
            foretold(Matrix::Hessian),
            foretold(Matrix::Gradient),
            beyond(main),
            main.problem.lambda(),
            beyond(contrast),
            contrast.problem.lambda()
        ),
    );
    let mut figure = Figure::new("xor-spectrum", caption, Width::Full, 3).shared_y();
    for experiment in [main, contrast] {
        for (matrix, label) in SYMBOLS {
            let block = format!("{label}_{{W_1W_1}}");
            let (lambda, n) = (experiment.problem.lambda(), experiment.replicates);
            let panels = spectra.panels(&experiment.name, matrix, &block, lambda, n);
            figure = panels.into_iter().fold(figure, Figure::panel);
        }
    }
    Ok(figure.axes_height(62.0))
}
