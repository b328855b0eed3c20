//! The Rust side of `just bench`: answers each name on standard input with the seconds one such thing took.
//!
//! `scripts/bench.py` asks, in turns with NumPy, so that both are measured in one run on one machine. `write DIR` writes
//! the features and weights of the block instead, for NumPy to work on the same matrix.

use ndarray::Array2;
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::error::{Error, Result};
use spectral_alignment::problem::Problem;
use spectral_alignment::problem::data::DataLaw;
use spectral_alignment::problem::experiment::Experiment;
use spectral_alignment::problem::network::Network;
use spectral_alignment::problem::training::Training;
use spectral_alignment::published::DEFAULT_SEED;
use spectral_alignment::random::normal::Normals;
use spectral_alignment::random::seed::{Purpose, Seed};
use spectral_alignment::simulation::chain::noise::Noise;
use spectral_alignment::simulation::chain::reduced::Chain;
use spectral_alignment::simulation::data::{Sample, Stream};
use spectral_alignment::simulation::task::{self, Curvature, Evaluation, Learner, Matrix, Parameters, Task};
use spectral_alignment::simulation::trajectory::Observed;
use spectral_alignment::simulation::{kernel, sgd};
use spectral_alignment::spectrum::{BlockMatrix, lapack, warm_start};
use spectral_alignment::stage::Profile;
use spectral_alignment::stages::common::mixture::{FIRST_BLOCK, Predicted, SHOWN, experiment, gram};
use spectral_alignment::theory;
use spectral_alignment::theory::dynamics::{Constants, MixtureDynamics, Path, State};
use std::hint::black_box;
use std::io::{BufRead, Write as _};
use std::process::ExitCode;
use std::time::Instant;

/// SGD steps of one measurement.
const STEPS: u32 = 20_000;

fn seconds<T>(run: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    black_box(run()?);
    Ok(start.elapsed().as_secs_f64())
}

fn each(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() / f64::from(STEPS)
}

/// Task B.
fn xor(d: usize, width: usize) -> Problem {
    Problem {
        data: DataLaw::xor(d, 100.0),
        network: Network::two_layer(width),
        training: Training::new(0.05, 1.0, 10.0),
    }
}

fn seed(experiment: &str) -> Seed {
    Seed { root: DEFAULT_SEED, experiment: experiment.to_owned(), replicate: 0 }
}

/// The limit equation of task A at k = 10 to t = 60, with its errors.
fn dynamics() -> Result<Path> {
    let constants = Constants { lambda: 100.0, beta: 0.05, c: 1.0 };
    let dynamics = MixtureDynamics::new(10, &[0.1; 10], &Array2::eye(10), constants)?;
    let times: Vec<f64> = (1..=60).map(f64::from).collect();
    theory::dynamics::integrate(&dynamics, &State::random_limit(10, 10), &times, 0.25)
}

fn experiment_with(name: &str, k: usize) -> (Experiment, Box<dyn Task>, Seed) {
    let experiment = experiment(Profile::Paper, name, k, 100.0);
    let task = task::build(&experiment.problem);
    (experiment, task, seed(name))
}

/// SGD at d = 1000.
struct Steps<'a> {
    stream: Stream<'a>,
    learner: Box<dyn Learner>,
    normals: Normals,
    labels: &'a [u32],
    y: Vec<f64>,
}

impl<'a> Steps<'a> {
    fn new(task: &'a dyn Task, seed: &'a Seed) -> Self {
        let mut stream = Stream::new(task.law(), seed, Purpose::Train);
        let mut y = vec![0.0; kernel::padded(task.problem().d())];
        stream.next_into(&mut y);
        Self {
            stream,
            learner: task.learner(&task.initial(seed)),
            normals: seed.stream(Purpose::Test, 0),
            labels: task.law().labels(),
            y,
        }
    }

    /// A sample and a step.
    fn step(&mut self) -> f64 {
        each(|| {
            for _ in 0..STEPS {
                let cluster = self.stream.next_into(&mut self.y);
                black_box(self.learner.step(self.labels[cluster as usize], &self.y));
            }
        })
    }

    /// A step without drawing its sample.
    fn arithmetic(&mut self) -> f64 {
        each(|| {
            for _ in 0..STEPS {
                black_box(self.learner.step(0, black_box(&self.y)));
            }
        })
    }

    /// The d normal numbers of a step.
    fn normals(&mut self) -> f64 {
        let mut out = vec![0.0; 1000];
        each(|| {
            for _ in 0..STEPS {
                self.normals.fill(black_box(&mut out));
            }
        })
    }
}

/// The reduced chain at d = 10^6.
struct Reduced {
    chain: Chain,
    noise: Drawn,
}

struct Drawn(Normals);

impl Noise for Drawn {
    fn fill(&mut self, out: &mut [f64]) {
        self.0.fill(out);
    }

    fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }
}

impl Reduced {
    fn new(problem: &Problem) -> Result<Self> {
        let mut noise = Drawn(seed("chain").stream(Purpose::Train, 0));
        Ok(Self { chain: Chain::new(problem, &mut noise)?, noise })
    }

    /// Task A.
    fn mixture(k: usize) -> Result<Self> {
        let (mut experiment, ..) = experiment_with("gmm-chain", k);
        experiment.problem.data.set_d(1_000_000);
        Self::new(&experiment.problem)
    }

    fn step(&mut self) -> f64 {
        each(|| {
            for _ in 0..STEPS {
                black_box(self.chain.step(&mut self.noise));
            }
        })
    }
}

/// The (1,1) block of the Hessian of the paper's experiment, trained.
struct Trained {
    experiment: Experiment,
    task: Box<dyn Task>,
    sample: Sample,
    parameters: Parameters,
    evaluation: Evaluation,
    gram: Array2<f64>,
    start: Array2<f64>,
    dense: Array2<f64>,
}

impl Trained {
    fn new() -> Result<Self> {
        let (experiment, task, seed) = experiment_with("gmm", 5);
        let last = experiment.problem.steps(experiment.horizon);
        let run = sgd::train(&*task, &seed, &[0, last], &|_| {});
        let parameters = run.checkpoints.into_iter().last().map(|point| point.parameters).unwrap_or_default();
        let sample = Sample::first(task.law(), &seed, Purpose::Test, experiment.problem.sample_size());
        let evaluation = task.evaluate(&parameters, &sample);
        let start = warm_start(&task.mean_space(), parameters[0].row(0));
        let observed = Observed {
            step: last,
            time: experiment.horizon,
            loss: evaluation.loss,
            accuracy: evaluation.accuracy,
            cluster_accuracy: evaluation.cluster_accuracy.clone(),
            outputs: None,
            parameters,
        };
        let gram = gram(&experiment, &observed)?;
        let parameters = observed.parameters;
        let dense = Array2::zeros((0, 0));
        let mut trained = Self { experiment, task, sample, parameters, evaluation, gram, start, dense };
        trained.dense = trained.block()?.dense()?.clone();
        Ok(trained)
    }

    fn curvature(&self) -> Result<Curvature<'_>> {
        self.task.curvature(
            Matrix::Hessian,
            FIRST_BLOCK,
            &self.parameters,
            &self.evaluation.outputs,
            &self.sample,
        )
    }

    fn block(&self) -> Result<BlockMatrix<'_>> {
        Ok(BlockMatrix::new(self.curvature()?))
    }

    fn write(&self, folder: &std::path::Path) -> Result<f64> {
        let curvature = self.curvature()?;
        let save = |name: &str, values: &mut dyn Iterator<Item = f64>| {
            let path = folder.join(name);
            let bytes: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
            std::fs::write(&path, bytes).map_err(Error::io("write", path))
        };
        save("features", &mut curvature.features.iter().copied())?;
        save("weights", &mut curvature.weights.iter().copied())?;
        let top = self.block()?.top(SHOWN as usize)?;
        save("eigenvalues", &mut top.iter().map(|pair| pair.value))?;
        Ok(0.0)
    }

    fn measure(&self, name: &str) -> Result<f64> {
        let p = self.dense.nrows();
        let shown = SHOWN as usize;
        match name {
            "form" => seconds(|| self.block()?.dense().cloned()),
            "top" => seconds(|| self.block()?.top(shown)),
            "outliers" => seconds(|| self.block()?.outliers(5, &self.start)),
            "prediction" => seconds(|| {
                Predicted::block(&self.experiment, &self.gram, theory::Matrix::Hessian, 0, 0)?
                    .spectrum
                    .outliers()
            }),
            "eigh" => seconds(|| {
                let eigen = self.dense.eigh(UPLO::Upper);
                eigen.map_err(|error| Error::Numeric { routine: "eigh", problem: error.to_string() })
            }),
            "dsyevd" => seconds(|| lapack::eigenpairs(self.dense.clone())),
            "dsyevd-values" => seconds(|| lapack::eigenvalues(self.dense.clone())),
            "dsyevr" => seconds(|| lapack::eigenpairs_between(self.dense.clone(), p - shown + 1, p)),
            _ => Err(Error::Usage(format!("no measurement `{name}`"))),
        }
    }
}

fn serve() -> Result<()> {
    let (_, task, step_seed) = experiment_with("gmm-k10", 10);
    let mut steps = Steps::new(&*task, &step_seed);
    let mut reduced = Reduced::mixture(10)?;
    let mut small = Reduced::mixture(3)?;
    let mut neurons = Reduced::new(&xor(1_000_000, 4))?;
    let (network, network_seed) = (task::build(&xor(1000, 20)), seed("xor-bench"));
    let mut network_steps = Steps::new(&*network, &network_seed);
    let trained = Trained::new()?;
    let mut answers = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::io("read", "standard input"))?;
        let taken = match line.as_str() {
            "step" => steps.step(),
            "xor step" => network_steps.step(),
            "dynamics" => seconds(dynamics)?,
            "arithmetic" => steps.arithmetic(),
            "normals" => steps.normals(),
            "chain" => reduced.step(),
            "chain-k3" => small.step(),
            "xor chain" => neurons.step(),
            other => match other.strip_prefix("write ") {
                Some(folder) => trained.write(std::path::Path::new(folder))?,
                None => trained.measure(other)?,
            },
        };
        writeln!(answers, "{taken:e}")
            .and_then(|()| answers.flush())
            .map_err(Error::io("write", "standard output"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    lapack::use_one_thread();
    serve().map_or_else(
        |error| {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_status())
        },
        |()| ExitCode::SUCCESS,
    )
}
