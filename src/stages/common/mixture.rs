//! What the stages on the k-component Gaussian mixture share: experiments, questions, predictions.

use crate::error::{Error, Result};
use crate::problem::data::{DataLaw, Means};
use crate::problem::experiment::{Experiment, FEWEST_CHECKPOINTS, Simulator, Spacing};
use crate::problem::network::{Layer, Network};
use crate::problem::training::Training;
use crate::problem::{Problem, as_f64};
use crate::simulation::task::{self, Block, Matrix};
use crate::simulation::trajectory::Observed;
use crate::spectrum::query::{Query, Question};
use crate::spectrum::subspace::random_space;
use crate::spectrum::{Pair, leading_space};
use crate::stage::request::{Checkpoints, Request};
use crate::stage::rows::{At, Of, Statistic};
use crate::stage::{Data, Profile, Settings};
use crate::stages::common::shared::{MATRICES, Seen, all_seen, query, small, threshold};
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
/// Ten classes at a signal-to-noise ratio at which theory has all ten outliers of `G_11` too: for k = 10 and φ = 10 they leave
/// the bulk by λ = 210 at the end of training, and at λ = 500 the last one lies 1.8 times as high as its level.
pub const WIDE_CLEAR: &str = "gmm-k10-lambda-500";
/// Many replicates of small dimension, in which eigenvalues are counted.
pub const COUNTS: &str = "gmm-counts";
/// Error of a row at which it counts as aligned, beyond what step noise leaves.
pub const EPSILON: f64 = 0.1;

/// The block that stands for all `(c, c)` blocks where classes are exchangeable.
pub const FIRST_BLOCK: Block = Block::diagonal(Layer::X, 0);
/// The block that stands for all off-diagonal ones.
pub const OFF_DIAGONAL: Block = Block { layer: Layer::X, row: 0, col: 1 };
/// Eigenpairs shown of a block: the outliers and some of the bulk.
pub const SHOWN: u32 = 12;
/// Checkpoints at which the outliers of the first block of every replicate of [`MAIN`] are computed.
pub const REPLICATED: Checkpoints = Checkpoints::Spread(5);

/// Checkpoints at which the outliers of every replicate of an experiment are computed.
pub fn replicated(experiment: &str) -> Checkpoints {
    if experiment == MAIN { REPLICATED } else { Checkpoints::Three }
}

/// A mixture experiment with equally likely classes and orthonormal means.
///
/// β = 0.05 makes `e^{-βt}` vanish within the horizon of 150, and φ = 10 test samples per dimension keep the bulk
/// narrow. Checkpoints are a tenth apart in time, and one in four of them falls on `log(1/ε)/β = 46.1`.
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
        checkpoints: profile.pick(49, 13),
        spacing: Spacing::Geometric,
        replicates: 20,
        simulator: Simulator::Sgd,
        member: None,
    }
}

/// No ridge.
pub const NO_RIDGE: &str = "gmm-beta-0";
/// Means that are not orthogonal.
pub const OBLIQUE: &str = "gmm-oblique";
/// Classes that are not equally likely.
pub const UNEQUAL: &str = "gmm-unequal";

/// What changes beside the main experiment: no ridge, means with inner products `2^{-|a-b|}`, or class probabilities from 0.4 to
/// 0.1. The last two have three times its signal-to-noise ratio, since the smallest signal, in a direction or of a class, is
/// a third or half of its.
///
/// # Errors
/// A parameter outside its range.
pub fn variant(settings: &Settings, name: &str) -> Result<Request> {
    let mut variant = experiment(settings.profile, name, 5, 100.0);
    let d = settings.profile.pick(500, 100);
    let correlated = |a: i32, b: i32| libm::exp2(-f64::from((a - b).abs()));
    variant.problem.data = match name {
        OBLIQUE => {
            let gram = (0..5).map(|a| (0..5).map(|b| correlated(a, b)).collect()).collect();
            DataLaw::unequal_mixture(d, 300.0, vec![0.2; 5], Means::Gram(gram))
        }
        UNEQUAL => DataLaw::unequal_mixture(d, 300.0, vec![0.4, 0.2, 0.15, 0.15, 0.1], Means::Orthonormal),
        _ => DataLaw::mixture(d, 100.0, 5),
    };
    if name == NO_RIDGE {
        variant.problem.training.beta = 0.0;
    }
    Ok(every_class(Request::new(settings.experiment(variant)?)))
}

/// Eight hundred small replicates with all eigenvalues of a diagonal and an off-diagonal block at the start and at the end: a share
/// of runs needs many, since 195 of 200 show no more than 0.9 and 765 of 800 as much.
///
/// # Errors
/// A parameter outside its range.
pub fn counts(settings: &Settings) -> Result<Request> {
    let mut counts = experiment(settings.profile, COUNTS, 5, 100.0);
    counts.problem.data.set_d(settings.profile.pick(300, 60));
    counts.checkpoints = FEWEST_CHECKPOINTS;
    counts.replicates = settings.profile.pick(800, 20);
    let mut request = Request::new(settings.experiment(counts)?);
    for block in [FIRST_BLOCK, OFF_DIAGONAL] {
        for place in [Checkpoints::First, Checkpoints::Last] {
            request = request.every_replicate(place, block, Question::Values);
        }
    }
    Ok(request)
}

/// Number of classes of an experiment.
pub fn classes(experiment: &Experiment) -> u32 {
    small(experiment.problem.rows())
}

/// `log(1/ε)/β`, the time after which ridge has brought what is left of the start below ε; beyond any horizon without ridge.
pub fn onset_bound(experiment: &Experiment) -> f64 {
    libm::log(1.0 / EPSILON) / experiment.problem.training.beta.max(f64::MIN_POSITIVE)
}

/// The first checkpoint from [`onset_bound`] on, the last if there is none: alignment is claimed from here on.
pub fn onset_place(experiment: &Experiment) -> usize {
    let schedule = experiment.schedule();
    let from = onset_bound(experiment);
    schedule.iter().position(|step| experiment.time(*step) >= from).unwrap_or(schedule.len() - 1)
}

/// The main experiment, without questions.
///
/// # Errors
/// A parameter outside its range.
pub fn main_alone(settings: &Settings) -> Result<Request> {
    Ok(Request::new(settings.experiment(experiment(settings.profile, MAIN, 5, 100.0))?))
}

/// The main experiment, with the outliers of every replicate: of the first block at some checkpoints, of every diagonal block at
/// [`onset_place`] and at the end, where claims are made; and the principal components of the test sample.
///
/// # Errors
/// A parameter outside its range.
pub fn main(settings: &Settings) -> Result<Request> {
    let main = main_alone(settings)?;
    let question = Question::Outliers(classes(&main.experiment));
    Ok(every_class(main.every_replicate(REPLICATED, FIRST_BLOCK, question)))
}

/// Asks for the outliers of the blocks of [`classes_at`] of every replicate at the start, at [`onset_place`] and at the end, and
/// for as many principal components of the test sample.
pub fn every_class(mut request: Request) -> Request {
    let experiment = request.experiment.clone();
    let question = Question::Outliers(classes(&experiment));
    for place in places(&experiment) {
        for class in classes_at(&experiment, place) {
            let block = Block::diagonal(Layer::X, class);
            request = request.every_replicate(Checkpoints::At(place), block, question);
        }
    }
    request.every_replicate(Checkpoints::Last, FIRST_BLOCK, Question::Components(classes(&experiment)))
}

/// The places in the schedule at which outliers of every replicate are computed and predicted: start, [`onset_place`], end.
pub fn places(experiment: &Experiment) -> Vec<usize> {
    let mut places = vec![0, onset_place(experiment), experiment.schedule().len() - 1];
    places.dedup();
    places
}

/// The classes whose blocks [`every_class`] asks about at a checkpoint: all where alignment is claimed, else the first. Beside
/// the main experiment that is at the end only, and with ten classes, of which each block costs as much, nowhere.
pub fn classes_at(experiment: &Experiment, checkpoint: usize) -> Vec<u32> {
    let (onset, last) = (onset_place(experiment), experiment.schedule().len() - 1);
    let wide = [WIDE, WIDE_CLEAR].contains(&experiment.name.as_str());
    if !wide && (checkpoint == last || (experiment.name == MAIN && checkpoint == onset)) {
        (0..classes(experiment)).collect()
    } else {
        vec![0]
    }
}

/// Leading principal components of the test sample that [`every_class`] asks for, p × k: the null of outlier eigenspaces.
///
/// # Errors
/// A store that cannot be read.
pub fn principal_space(data: &dyn Data, experiment: &Experiment, replicate: u32) -> Result<Array2<f64>> {
    let k = classes(experiment);
    let last = experiment.schedule().len() - 1;
    let pairs =
        data.components(&experiment.name, replicate, query(last, FIRST_BLOCK, Question::Components(k)))?;
    leading_space(&pairs, experiment.problem.rows())
}

/// A uniformly drawn space of as many dimensions as there are classes: the other null.
///
/// # Errors
/// [`Error::Numeric`] if LAPACK fails.
pub fn random_like(data: &dyn Data, experiment: &Experiment, replicate: u32) -> Result<Array2<f64>> {
    let problem = &experiment.problem;
    random_space(problem.d(), problem.rows(), &mut data.null(&experiment.name, replicate))
}

/// The contrast, without questions.
///
/// # Errors
/// A parameter outside its range.
pub fn contrast_alone(settings: &Settings) -> Result<Request> {
    Ok(Request::new(settings.experiment(experiment(settings.profile, CONTRAST, 5, 10.0))?))
}

/// The contrast, with the outliers of the first block of every replicate at three checkpoints.
///
/// # Errors
/// A parameter outside its range.
pub fn contrast(settings: &Settings) -> Result<Request> {
    let contrast = contrast_alone(settings)?;
    let outliers = Question::Outliers(classes(&contrast.experiment));
    Ok(contrast.every_replicate(replicated(CONTRAST), FIRST_BLOCK, outliers))
}

/// The question about test-sample outliers of the first block that [`main`] and [`contrast`] ask.
pub fn outliers(experiment: &Experiment, checkpoint: usize) -> Query {
    outliers_of(experiment, checkpoint, 0)
}

/// The same of the block of a class.
pub fn outliers_of(experiment: &Experiment, checkpoint: usize, class: u32) -> Query {
    query(checkpoint, Block::diagonal(Layer::X, class), Question::Outliers(classes(experiment)))
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
        Self::with_ratio(experiment, &law(experiment, gram)?, (matrix, a, b), experiment.problem.training.phi)
    }

    /// The same at finite d: the noise outside `V` has `d - dim V` dimensions, so `n/(d - dim V)` takes the place of φ. That is
    /// all of the correction of relative order `1/d` that does not come from the random weights.
    ///
    /// # Errors
    /// As for [`Predicted::block`].
    pub fn finite(
        experiment: &Experiment,
        law: &MixtureLaw,
        block: (theory::Matrix, usize, usize),
    ) -> Result<Self> {
        let (problem, inside) = (&experiment.problem, law.nodes.dimension());
        let ratio = as_f64(problem.sample_size()) / as_f64(problem.d().saturating_sub(inside).max(1));
        Self::with_ratio(experiment, law, block, ratio)
    }

    fn with_ratio(
        experiment: &Experiment,
        law: &MixtureLaw,
        (matrix, a, b): (theory::Matrix, usize, usize),
        ratio: f64,
    ) -> Result<Self> {
        let weights = Weights::discrete(law.weights(matrix, a, b)?.values);
        let spectrum = EffectiveSpectrum::new(&law.nodes, &weights, ratio, experiment.problem.lambda())?;
        Ok(Self { law: law.clone(), spectrum })
    }

    /// The largest relative variance, over classes, of the mean of the weights in a sample of n points: `(E_b f²/(E_b f)² )/(n
    /// p_b)`. Eigenvalues and overlaps of single outliers fluctuate by its root, and their means are off by about itself.
    pub fn scatter(&self, experiment: &Experiment, weights: (theory::Matrix, usize, usize)) -> f64 {
        let problem = &experiment.problem;
        let Ok(weights) = self.law.weights(weights.0, weights.1, weights.2) else { return f64::NAN };
        let each = problem.data.probabilities().iter().enumerate().map(|(class, p)| {
            let own = self.law.labels.iter().zip(&weights.values).filter(|(label, _)| **label == class);
            let (first, second, count) = own.fold((0.0, 0.0, 0.0), |(first, second, count), (_, f)| {
                (first + f, second + f * f, count + 1.0)
            });
            second * count / (first * first) / (as_f64(problem.sample_size()) * p)
        });
        each.fold(0.0, f64::max)
    }
}

/// The outliers of one diagonal block of a replicate, measured and predicted from its own Gram matrix.
#[derive(Debug)]
pub struct Judged<'a> {
    /// Where.
    pub seen: &'a Seen,
    /// The class, row of the block.
    pub class: u32,
    /// Of H and of G.
    pub of: [JudgedMatrix; 2],
}

/// Of one matrix.
#[derive(Debug)]
pub struct JudgedMatrix {
    /// The matrix.
    pub matrix: Matrix,
    /// The measured pairs.
    pub pairs: Vec<Pair>,
    /// The prediction at finite d.
    pub predicted: Predicted,
    /// The k leading outliers that are predicted, if there are so many.
    pub outliers: Vec<Outlier>,
    /// [`Predicted::scatter`].
    pub scatter: f64,
}

/// Visits the blocks of [`classes_at`] of every replicate that reached the end, at these places in the schedule.
///
/// # Errors
/// A store that cannot be read; what the visitor reports.
pub fn each_judged(
    data: &dyn Data,
    experiment: &Experiment,
    places: &[usize],
    mut visit: impl FnMut(&Judged) -> Result<()>,
) -> Result<()> {
    let k = experiment.problem.rows();
    for &place in places {
        for seen in all_seen(data, experiment, Checkpoints::At(place))? {
            let law = law(experiment, &gram(experiment, &seen.observed)?)?;
            for class in classes_at(experiment, place) {
                let pairs =
                    data.pairs(&experiment.name, seen.replicate, outliers_of(experiment, place, class))?;
                let c = class as usize;
                let one =
                    |(matrix, of): (Matrix, theory::Matrix), pairs: Vec<Pair>| -> Result<JudgedMatrix> {
                        let predicted = Predicted::finite(experiment, &law, (of, c, c))?;
                        let mut outliers = predicted.spectrum.outliers_above()?;
                        outliers.truncate(k);
                        let scatter = predicted.scatter(experiment, (of, c, c));
                        Ok(JudgedMatrix { matrix, pairs, predicted, outliers, scatter })
                    };
                let [hessian, gradient] = pairs;
                let of = [one(MATRICES[0], hessian)?, one(MATRICES[1], gradient)?];
                visit(&Judged { seen: &seen, class, of })?;
            }
        }
    }
    Ok(())
}

/// The law of the projection of a sample, with as many nodes as the sample has points.
///
/// # Errors
/// A Gram matrix that is none.
pub fn law(experiment: &Experiment, gram: &Array2<f64>) -> Result<MixtureLaw> {
    let problem = &experiment.problem;
    let probabilities = problem.data.probabilities();
    let k = probabilities.len();
    let nodes = problem.sample_size().div_ceil(k).max(8 * (k + 1));
    MixtureLaw::with_nodes(gram, k, probabilities, problem.lambda(), nodes)
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
