//! Loss and accuracy, sample by sample.

use crate::simulation::task::definition::Evaluation;
use ndarray::Array2;

/// Running totals over a sample.
#[derive(Clone, Debug)]
pub struct Tally {
    loss: f64,
    correct: Vec<u64>,
    seen: Vec<u64>,
}

#[allow(clippy::cast_precision_loss, reason = "counts are exact in f64")]
impl Tally {
    /// Nothing seen yet of this many clusters.
    #[must_use]
    pub fn new(clusters: usize) -> Self {
        Self { loss: 0.0, correct: vec![0; clusters], seen: vec![0; clusters] }
    }

    /// Adds one sample of a cluster.
    pub fn add(&mut self, cluster: usize, loss: f64, correct: bool) {
        self.loss += loss;
        self.seen[cluster] += 1;
        self.correct[cluster] += u64::from(correct);
    }

    /// Mean loss, share classified correctly, over all and within each cluster, with the outputs behind them.
    #[must_use]
    pub fn evaluation(self, outputs: Array2<f64>) -> Evaluation {
        let n = self.seen.iter().sum::<u64>() as f64;
        let share = |(&correct, &seen): (&u64, &u64)| (seen > 0).then(|| correct as f64 / seen as f64);
        Evaluation {
            loss: self.loss / n,
            accuracy: self.correct.iter().sum::<u64>() as f64 / n,
            cluster_accuracy: self.correct.iter().zip(&self.seen).map(share).collect(),
            outputs,
        }
    }
}
