//! Problems of tests, with all parameters side by side, so that a test changes one of them.

use spectral_alignment::problem::Problem;
use spectral_alignment::problem::data::{DataLaw, Means};
use spectral_alignment::problem::network::Network;
use spectral_alignment::problem::training::{Start, Training};

/// A data law, whatever its dimension and its signal-to-noise ratio, and a network.
#[derive(Clone, Debug)]
pub struct Kind {
    pub data: DataLaw,
    pub network: Network,
}

impl Kind {
    pub fn mixture(k: usize) -> Self {
        Self { data: DataLaw::mixture(1, 1.0, k), network: Network::softmax() }
    }

    pub fn unequal(probabilities: &[f64], means: Means) -> Self {
        let data = DataLaw::unequal_mixture(1, 1.0, probabilities.to_vec(), means);
        Self { data, network: Network::softmax() }
    }

    pub fn xor(width: usize) -> Self {
        Self { data: DataLaw::xor(1, 1.0), network: Network::two_layer(width) }
    }

    pub fn turned(width: usize, mu: &[f64], nu: &[f64]) -> Self {
        let data = DataLaw::turned_xor(1, 1.0, mu.to_vec(), nu.to_vec());
        Self { data, network: Network::two_layer(width) }
    }
}

/// Every parameter of a problem.
#[derive(Clone, Debug)]
pub struct Flat {
    pub task: Kind,
    pub d: usize,
    pub lambda: f64,
    pub beta: f64,
    pub c: f64,
    pub phi: f64,
    pub start: Start,
}

impl Flat {
    pub fn problem(&self) -> Problem {
        let Kind { mut data, network } = self.task.clone();
        data.set_d(self.d);
        data.set_lambda(self.lambda);
        let start = self.start.clone();
        Problem { data, network, training: Training { start, ..Training::new(self.beta, self.c, self.phi) } }
    }

    pub fn step_size(&self) -> f64 {
        self.problem().step_size()
    }

    pub fn steps(&self, horizon: f64) -> u64 {
        self.problem().steps(horizon)
    }

    pub fn sample_size(&self) -> usize {
        self.problem().sample_size()
    }

    pub fn rows(&self) -> usize {
        self.problem().rows()
    }
}
