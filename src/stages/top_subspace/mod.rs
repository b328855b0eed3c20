//! C3: how much of the gradient lies in the top space of H and G, and what becomes of training that is projected on that space or off it.
//!
//! The share of one sample's gradient is about `(1 + k/λ)/(1 + d/λ)`, since a sample has that share of its squared length in `Span(μ)`; means over
//! more samples come nearer to the population gradient, which lies in the span of means and rows ([`crate::theory::gradients`]).
//!
//! Projected training ([`crate::study::projected`]) asks whether the top space is where the network learns. With isotropic noise above
//! the threshold it is. A few label-free directions of variance σ² have the eigenvalue `w σ²` in a row's block of H, against `w (1/λ + 1/k)` along
//! the means at the start (w the mean weight): above `σ² = 1/λ + 1/k` they are the top space, and what is learnt lies off it.

pub mod report;

use crate::error::Result;
use crate::problem::data::{DataLaw, Nuisance};
use crate::problem::experiment::{Experiment, Spacing};
use crate::problem::family::{Axis, Family};
use crate::problem::network::{Head, Layer, Network};
use crate::problem::training::Training;
use crate::problem::{Problem, as_f64};
use crate::simulation::task::{self, Matrix};
use crate::simulation::trajectory::Observed;
use crate::stage::request::Request;
use crate::stage::rows::{At, Of, Rows, Subspace};
use crate::stage::{Data, Profile, Settings};
use crate::stages::common::dimensions::over_lambda;
use crate::stages::common::limit::experiment;
use crate::stages::common::shared::at;
use crate::study::gradient_share::GradientShare;
use crate::study::projected::Projected;
use crate::study::{Reading, Study};
use crate::table::Table;
use crate::theory::gradients::GradientMoments;
use crate::theory::mixture_law::MixtureLaw;
use ndarray::{Array2, Axis as Side, concatenate};

/// Shares of gradients over signal-to-noise ratios.
pub const SHARES: &str = "mlp-gmm-shares";
/// The same with label-free directions of variance 1.
pub const SHARES_NUISANCE: &str = "mlp-gmm-shares-nuisance";
/// Projected training over signal-to-noise ratios.
pub const PROJECTED: &str = "gmm-projected";
/// The same over those and variances of label-free directions.
pub const MAP: &str = "gmm-projected-nuisance";

/// Classes, and label-free directions.
pub const CLASSES: u32 = 4;
/// Samples of a batch.
pub const BATCH: u32 = 32;
/// The time from which on steps are projected.
pub const FROM: f64 = 2.0;
/// Signal-to-noise ratios of projected training.
const LAMBDAS: [f64; 3] = [5.0, 20.0, 100.0];
/// Variances of label-free directions: about the critical one, between 0.26 and 0.45 at these ratios.
const VARIANCES: [f64; 3] = [0.1, 0.4, 1.0];

fn law(d: usize, lambda: f64, variance: Option<f64>) -> DataLaw {
    let law = DataLaw::mixture(d, lambda, CLASSES as usize);
    variance.map_or(law.clone(), |variance| {
        law.with_nuisance(Nuisance { directions: CLASSES as usize, variance })
    })
}

/// Softmax regression with blocks of the whole layer: a multilayer perceptron without hidden layers.
fn shares(profile: Profile, name: &str, lambda: f64, variance: Option<f64>) -> Experiment {
    let problem = Problem {
        data: law(profile.pick(150, 30), lambda, variance),
        network: Network::mlp(Vec::new(), Head::Softmax),
        training: Training::new(0.05, 1.0, 6.0),
    };
    let mut one = experiment(name.to_owned(), problem, profile.pick(60.0, 20.0), profile.pick(7, 5), 20);
    one.spacing = Spacing::Geometric;
    one
}

fn projected(profile: Profile, name: &str, variance: Option<f64>) -> Experiment {
    let problem = Problem {
        data: law(profile.pick(80, 24), LAMBDAS[0], variance),
        network: Network::softmax(),
        training: Training::new(0.05, 1.0, 10.0),
    };
    experiment(name.to_owned(), problem, profile.pick(40.0, 10.0), 5, 20)
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    let profile = settings.profile;
    let (lambdas, variances): (&[f64], &[f64]) = profile.pick((&LAMBDAS, &VARIANCES), (&[20.0], &[1.0]));
    let share = GradientShare { classes: CLASSES, batch: BATCH, every: 1 };
    let rule = Projected { from: FROM, renewal: 4.0, dimension: CLASSES, wide: 2 * CLASSES };
    let mut requests = Vec::new();
    let ratios = [10.0, 100.0];
    for point in settings
        .points(Family::new(SHARES, shares(profile, SHARES, 100.0, None)).axis(over_lambda(&ratios)))?
    {
        requests.push(Request::new(point).study(Study::GradientShare(share)));
    }
    let nuisance = settings.experiment(shares(profile, SHARES_NUISANCE, 100.0, Some(1.0)))?;
    requests.push(Request::new(nuisance).study(Study::GradientShare(share)));
    let plain = Family::new(PROJECTED, projected(profile, PROJECTED, None)).axis(over_lambda(lambdas));
    let map = Family::new(MAP, projected(profile, MAP, Some(VARIANCES[0])))
        .axis(over_lambda(lambdas))
        .axis(Axis::new("nuisance", "-variance-", variances.iter().copied()));
    for family in [plain, map] {
        for point in settings.points(family)? {
            requests.push(Request::new(point).study(Study::Projected(rule)));
        }
    }
    Ok(requests)
}

/// What a space is, of those that shares are in.
fn of_space(space: &str) -> Option<Of> {
    let top = |matrix, rank| Of { matrix: Some(matrix), ..Of::layer(Layer::DEEP[0]) }.rank(rank);
    match space {
        "hessian, all" => Some(top(Matrix::Hessian, CLASSES * (CLASSES - 1))),
        "hessian, k" => Some(top(Matrix::Hessian, CLASSES)),
        "gradient, k" => Some(top(Matrix::Gradient, CLASSES)),
        "components" => Some(Of::layer(Layer::DEEP[0]).with(Subspace::Components)),
        "random" => Some(Of::layer(Layer::DEEP[0]).with(Subspace::Random)),
        _ => None,
    }
}

/// Shares by the number of samples that the gradient is a mean over: names of statistics.
pub const SHARE: [&str; 3] = ["share of one sample", "share of a batch", "share of n samples"];

/// Losses by rule: the rule of a study, and the name of the statistic.
pub const RULES: [(&str, &str); 9] = [
    ("start", "loss before projection"),
    ("sgd", "loss of SGD"),
    ("top", "loss on the top space"),
    ("top, ridge everywhere", "loss on the top space, ridge everywhere"),
    ("off top", "loss off the top space"),
    ("off top, ridge everywhere", "loss off the top space, ridge everywhere"),
    ("wide top", "loss on the wide top space"),
    ("random", "loss on a random space"),
    ("components", "loss on principal components"),
];

/// The row that a reading becomes, if it becomes one.
fn row(reading: &Reading) -> Option<(&'static str, Of)> {
    let named = |names: &[&'static str]| names.iter().copied().find(|name| *name == reading.name);
    if let (Some(name), Some(of)) = (named(&SHARE), of_space(&reading.of)) {
        return Some((name, of));
    }
    match reading.name.as_str() {
        "loss" => RULES.iter().find(|(rule, _)| *rule == reading.of).map(|(_, name)| (*name, Of::default())),
        "overlap" => Some(("overlap", Of::layer(Layer::DEEP[0]).with(Subspace::Outliers(Matrix::Gradient)))),
        "gap" => {
            let of = Of { matrix: Some(Matrix::Hessian), rank: reading.rank, ..Of::layer(Layer::DEEP[0]) };
            Some(("gap", of))
        }
        _ => None,
    }
}

/// Gram matrix of rows and means of a checkpoint.
fn gram(observed: &Observed, means: &Array2<f64>) -> Result<Array2<f64>> {
    let both = concatenate(Side(0), &[observed.parameters[0].view(), means.view()])
        .map_err(|error| crate::error::Error::defect("gram", error))?;
    Ok(both.dot(&both.t()))
}

/// Predicted shares in the span of the means at a checkpoint.
fn predict(experiment: &Experiment, here: &At, observed: &Observed, rows: &mut Rows) -> Result<()> {
    let (problem, k) = (&experiment.problem, CLASSES as usize);
    let means = task::build(problem).law().independent_means();
    let law = MixtureLaw::new(&gram(observed, &means)?, k, problem.data.probabilities(), problem.lambda())?;
    let moments = GradientMoments::of(&law, as_f64(problem.d()), problem.lambda());
    let sizes = [1.0, f64::from(BATCH), as_f64(problem.sample_size())];
    let of = Of { matrix: Some(Matrix::Hessian), ..Of::layer(Layer::DEEP[0]) }.rank(CLASSES * (CLASSES - 1));
    for (name, size) in SHARE.into_iter().zip(sizes) {
        rows.predict(here, name, of, moments.share(size));
    }
    Ok(())
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let mut rows = Rows::default();
    for experiment in data.experiments() {
        let asked = data.studies(&experiment.name)?;
        for replicate in data.finished(&experiment.name)? {
            for study in asked {
                for reading in data.study(&experiment.name, replicate, study)? {
                    let here = At {
                        experiment: experiment.name.clone(),
                        replicate: Some(replicate),
                        step: reading.step,
                        time: experiment.time(reading.step),
                    };
                    if let Some((name, of)) = row(&reading) {
                        rows.measure(&here, name, of, reading.value);
                    }
                }
                // With label-free directions of large variance the top space is another one.
                if matches!(study, Study::GradientShare(_)) && experiment.problem.data.nuisance().is_none() {
                    for observed in &data.trajectory(&experiment.name, replicate)?.checkpoints {
                        predict(experiment, &at(experiment, replicate, observed), observed, &mut rows)?;
                    }
                }
            }
        }
    }
    rows.tables(&["statistics", "theory"])
}
