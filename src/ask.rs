//! What a stage asks about the spectra of an experiment's checkpoints.

use crate::experiment::Experiment;
use crate::seed::Purpose;
use crate::task::Block;
use serde::{Deserialize, Serialize};

/// Which sample a matrix is a mean over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SampleKind {
    /// One fresh sample per replicate, the same for all checkpoints.
    Test,
    /// The first n samples that SGD saw.
    Train,
}

impl SampleKind {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Train => "train",
        }
    }

    /// Purpose of its random stream.
    #[must_use]
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Test => Purpose::Test,
            Self::Train => Purpose::Train,
        }
    }
}

/// A question about a block of both matrices at one checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Question {
    /// This many eigenpairs of largest magnitude, bulk included, from the dense matrix.
    Top(u32),
    /// This many eigenpairs of largest magnitude, quickly where they stand clear of the bulk.
    Outliers(u32),
    /// All eigenvalues.
    Values,
    /// Operator norms of the block, of what the mean space misses, and of its complement.
    Norms,
}

/// A question put to one checkpoint of one replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ask {
    /// Index of the checkpoint.
    pub checkpoint: usize,
    /// The sample.
    pub sample: SampleKind,
    /// The block.
    pub block: Block,
    /// The question.
    pub question: Question,
}

/// Checkpoints by their place in the schedule, so that a stage need not know how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoints {
    /// All of them.
    All,
    /// The initial point.
    First,
    /// The last point.
    Last,
    /// The initial point, the middle of the list, the last.
    Three,
    /// About this many, evenly in the list, ends included.
    Spread(usize),
}

impl Checkpoints {
    /// Their indices in a list of `count`, increasing.
    #[must_use]
    pub fn indices(self, count: usize) -> Vec<usize> {
        let last = count.saturating_sub(1);
        let mut indices = match self {
            Self::All => (0..count).collect(),
            Self::First => vec![0],
            Self::Last => vec![last],
            Self::Three => vec![0, last / 2, last],
            Self::Spread(wanted) => {
                let gaps = wanted.clamp(2, count.max(2)) - 1;
                (0..=gaps).map(|index| (index * last + gaps / 2) / gaps).collect()
            }
        };
        indices.dedup();
        indices
    }
}

/// An experiment with the questions a stage has about it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The experiment.
    pub experiment: Experiment,
    questions: Vec<(Option<u32>, Checkpoints, SampleKind, Block, Question)>,
}

impl Study {
    /// The experiment without questions: its trajectories only.
    #[must_use]
    pub fn new(experiment: Experiment) -> Self {
        Self { experiment, questions: Vec::new() }
    }

    /// Puts a question about test-sample spectra to every replicate.
    #[must_use]
    pub fn every_replicate(mut self, checkpoints: Checkpoints, block: Block, question: Question) -> Self {
        self.questions.push((None, checkpoints, SampleKind::Test, block, question));
        self
    }

    /// Puts a question about test-sample spectra to replicate 0 only.
    #[must_use]
    pub fn first_replicate(mut self, checkpoints: Checkpoints, block: Block, question: Question) -> Self {
        self.questions.push((Some(0), checkpoints, SampleKind::Test, block, question));
        self
    }

    /// The questions put to one replicate, without repetition, in a fixed order.
    #[must_use]
    pub fn asks(&self, replicate: u32) -> Vec<Ask> {
        let count = self.experiment.schedule().len();
        let mut asks: Vec<Ask> = self
            .questions
            .iter()
            .filter(|(only, ..)| only.is_none_or(|only| only == replicate))
            .flat_map(|&(_, checkpoints, sample, block, question)| {
                checkpoints.indices(count).into_iter().map(move |checkpoint| Ask {
                    checkpoint,
                    sample,
                    block,
                    question,
                })
            })
            .collect();
        asks.sort_unstable();
        asks.dedup();
        asks
    }
}
