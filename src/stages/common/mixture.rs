//! What the stages on the k-component Gaussian mixture share: experiments, questions, predictions.

use crate::error::{Error, Result};
use crate::problem::data::DataLaw;
use crate::problem::experiment::{Experiment, Simulator, Spacing};
use crate::problem::network::{Layer, Network};
use crate::problem::training::Training;
use crate::problem::{Problem, as_f64};
use crate::simulation::task::{self, Block, Matrix};
use crate::simulation::trajectory::Observed;
use crate::spectrum::Pair;
use crate::spectrum::query::{Query, Question};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Statistic};
use crate::stage::{Data, Profile, Settings};
use crate::stages::common::shared::{MATRICES, query, small, threshold};
use crate::theory::effective_spectrum::{EffectiveSpectrum, Outlier};
use crate::theory::mixture_law::MixtureLaw;
use crate::theory::{self, Weights};
use ndarray::{Array2, Axis, concatenate};

/// Signal-to-noise ratio 100: all outliers of H and G stand clear of the bulk.
pub const MAIN: &str = "gmm";
/// The contrast, signal-to-noise ratio 10: those of H do, of G only the first.
pub const CONTRAST: &str = "gmm-lambda-10";
/// Ten classes at signal-to-noise ratio 100.
pub const WIDE: &str = "gmm-k10";

/// The block that stands for all `(c, c)` blocks where classes are exchangeable.
pub const FIRST_BLOCK: Block = Block::diagonal(Layer::X, 0);
/// The block that stands for all off-diagonal ones.
pub const OFF_DIAGONAL: Block = Block { layer: Layer::X, row: 0, col: 1 };
/// Eigenpairs shown of a block: the outliers and some of the bulk.
pub const SHOWN: u32 = 12;
/// Checkpoints at which the outliers of every replicate of [`MAIN`] are computed.
pub const REPLICATED: Checkpoints = Checkpoints::Spread(5);

/// Checkpoints at which the outliers of every replicate of an experiment are computed.
pub fn replicated(experiment: &str) -> Checkpoints {
    if experiment == MAIN { REPLICATED } else { Checkpoints::Three }
}

/// A mixture experiment with equally likely classes and orthonormal means.
///
/// β = 0.05 makes `e^{-βt}` vanish within the horizon of 150, and φ = 10 test samples per dimension keep the bulk
/// narrow.
pub fn experiment(profile: Profile, name: &str, k: usize, lambda: f64) -> Experiment {
    let d = profile.pick(1000, 100);
    Experiment {
        name: name.to_owned(),
        problem: Problem {
            data: DataLaw::mixture(d, lambda, k),
            network: Network::softmax(),
            training: Training::new(0.05, 1.0, 10.0),
        },
        horizon: 150.0,
        checkpoints: profile.pick(25, 13),
        spacing: Spacing::Geometric,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

/// Number of classes of an experiment.
pub fn classes(experiment: &Experiment) -> u32 {
    small(experiment.problem.rows())
}

/// The main experiment, with the outliers of the first block of every replicate.
///
/// # Errors
/// A parameter outside its range.
pub fn main(settings: &Settings) -> Result<Request> {
    let main = settings.experiment(experiment(settings.profile, MAIN, 5, 100.0))?;
    let outliers = Question::Outliers(classes(&main));
    Ok(Request::new(main).every_replicate(replicated(MAIN), FIRST_BLOCK, outliers))
}

/// The contrast, with the outliers of the first block of every replicate at three checkpoints.
///
/// # Errors
/// A parameter outside its range.
pub fn contrast(settings: &Settings) -> Result<Request> {
    let contrast = settings.experiment(experiment(settings.profile, CONTRAST, 5, 10.0))?;
    let outliers = Question::Outliers(classes(&contrast));
    Ok(Request::new(contrast).every_replicate(replicated(CONTRAST), FIRST_BLOCK, outliers))
}

/// The question about test-sample outliers of the first block that [`main`] and [`contrast`] ask.
pub fn outliers(experiment: &Experiment, checkpoint: usize) -> Query {
    query(checkpoint, FIRST_BLOCK, Question::Outliers(classes(experiment)))
}

/// Gram matrix of `x^1..x^k, μ_1..μ_k` in this order.
///
/// # Errors
/// Parameters of another shape.
pub fn gram(experiment: &Experiment, observed: &Observed) -> Result<Array2<f64>> {
    let means = task::build(&experiment.problem).law().means();
    let all = concatenate(Axis(0), &[observed.parameters[0].view(), means.view()])
        .map_err(|error| Error::Numeric { routine: "Gram matrix", problem: error.to_string() })?;
    Ok(all.dot(&all.t()))
}

/// Mean over replicates of the Gram matrix at a checkpoint; Gram matrices concentrate, so it predicts each of them. None
/// where SGD diverged in all of them before.
///
/// # Errors
/// A store that cannot be read.
pub fn mean_gram(data: &dyn Data, experiment: &Experiment, checkpoint: usize) -> Result<Option<Array2<f64>>> {
    let mut grams = Vec::new();
    for replicate in data.finished(&experiment.name)? {
        if let Some(observed) = data.trajectory(&experiment.name, replicate)?.checkpoints.get(checkpoint) {
            grams.push(gram(experiment, observed)?);
        }
    }
    let count = as_f64(grams.len());
    Ok(grams.into_iter().reduce(|total, gram| total + gram).map(|total| total / count))
}

/// The effective spectrum of one block, predicted from a Gram matrix alone.
///
/// The law of the weights is taken as a sample of n points shows it: the largest weights of a trained G are so rare
/// that its edge in the limit d → ∞ lies far beyond any finite matrix.
#[derive(Clone, Debug)]
pub struct Predicted {
    /// Law of the projection on the span of parameters and means.
    pub law: MixtureLaw,
    /// Bulk and outliers.
    pub spectrum: EffectiveSpectrum,
}

impl Predicted {
    /// The prediction for block `(a, b)` of a matrix.
    ///
    /// # Errors
    /// A Gram matrix that is none.
    pub fn block(
        experiment: &Experiment,
        gram: &Array2<f64>,
        matrix: theory::Matrix,
        a: usize,
        b: usize,
    ) -> Result<Self> {
        let problem = &experiment.problem;
        let probabilities = problem.data.probabilities();
        let k = probabilities.len();
        let law = MixtureLaw::with_nodes(
            gram,
            k,
            probabilities,
            problem.lambda(),
            problem.sample_size().div_ceil(k).max(8 * (k + 1)),
        )?;
        let weights = Weights::discrete(law.weights(matrix, a, b)?.values);
        let spectrum = EffectiveSpectrum::new(&law.nodes, &weights, problem.training.phi, problem.lambda())?;
        Ok(Self { law, spectrum })
    }
}

/// What is predicted of the outliers of the first block: the bulk, the level above which eigenvalues count, and the outliers
/// that do.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Bulk and all outliers.
    pub predicted: Predicted,
    /// The level.
    pub threshold: f64,
    /// The outliers above it.
    pub outliers: Vec<Outlier>,
}

impl Prediction {
    /// Of one matrix, from a Gram matrix.
    ///
    /// # Errors
    /// A Gram matrix that is none.
    pub fn new(experiment: &Experiment, gram: &Array2<f64>, matrix: theory::Matrix) -> Result<Self> {
        let predicted = Predicted::block(experiment, gram, matrix, 0, 0)?;
        let threshold = threshold(&predicted.spectrum, experiment.problem.d());
        let mut outliers = predicted.spectrum.outliers_above()?;
        outliers.retain(|outlier| outlier.position > threshold);
        Ok(Self { predicted, threshold, outliers })
    }

    /// Of both matrices, with rows of the level and of the number of outliers.
    ///
    /// # Errors
    /// As for [`Prediction::new`].
    pub fn both(
        at: &At,
        experiment: &Experiment,
        gram: &Array2<f64>,
        rows: &mut Vec<Statistic>,
    ) -> Result<[Self; 2]> {
        let [hessian, gradient] = MATRICES.map(|(matrix, of)| {
            let predicted = Self::new(experiment, gram, of)?;
            let block = Of::block(matrix, FIRST_BLOCK);
            rows.push(Statistic::new(at, "level", block, predicted.threshold));
            rows.push(Statistic::new(at, "outliers", block, as_f64(predicted.outliers.len())));
            Ok(predicted)
        });
        Ok([hessian?, gradient?])
    }
}

/// The pairs of the first block above the levels, with rows of their numbers.
pub fn counted<'a>(
    at: &At,
    pairs: &'a [Vec<Pair>; 2],
    thresholds: [f64; 2],
    rows: &mut Vec<Statistic>,
) -> [Vec<&'a Pair>; 2] {
    [0, 1].map(|index| {
        let counted: Vec<&Pair> = pairs[index].iter().filter(|pair| pair.value > thresholds[index]).collect();
        let block = Of::block(Matrix::BOTH[index], FIRST_BLOCK);
        rows.push(Statistic::new(at, "outliers", block, as_f64(counted.len())));
        counted
    })
}
