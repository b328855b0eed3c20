//! What a stage requests of an experiment: its trajectories, queries about their spectra, and studies.

use crate::problem::experiment::Experiment;
use crate::simulation::task::Block;
use crate::spectrum::query::{Query, Question, SampleKind};
use crate::study::Study;
use serde::Serialize;

/// Checkpoints by their place in the schedule, so that a stage need not know how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checkpoints {
    /// All of them.
    All,
    /// The initial point.
    First,
    /// The last point.
    Last,
    /// The initial point, the middle of the list, the last.
    Three,
    /// The one at this place.
    At(usize),
    /// About this many, evenly in the list, ends included.
    Spread(usize),
}

impl Checkpoints {
    /// Their indices in a list of `count`, increasing.
    pub fn indices(self, count: usize) -> Vec<usize> {
        let last = count.saturating_sub(1);
        let mut indices = match self {
            Self::All => (0..count).collect(),
            Self::First => vec![0],
            Self::Last => vec![last],
            Self::At(place) => vec![place],
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

/// A question put to some checkpoints of one replicate, or of all where none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    #[serde(skip_serializing_if = "Option::is_none")]
    replicate: Option<u32>,
    checkpoints: Checkpoints,
    sample: SampleKind,
    block: Block,
    question: Question,
}

/// An experiment with the questions a stage has about it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Request {
    /// The experiment.
    pub experiment: Experiment,
    questions: Vec<Asked>,
    studies: Vec<Study>,
}

impl Request {
    /// The experiment without questions: its trajectories only.
    pub fn new(experiment: Experiment) -> Self {
        Self { experiment, questions: Vec::new(), studies: Vec::new() }
    }

    /// Puts a question about test-sample spectra to every replicate.
    pub fn every_replicate(mut self, checkpoints: Checkpoints, block: Block, question: Question) -> Self {
        self.questions.push(Asked {
            replicate: None,
            checkpoints,
            sample: SampleKind::Test,
            block,
            question,
        });
        self
    }

    /// Puts a question about test-sample spectra to replicate 0 only.
    pub fn first_replicate(mut self, checkpoints: Checkpoints, block: Block, question: Question) -> Self {
        self.questions.push(Asked {
            replicate: Some(0),
            checkpoints,
            sample: SampleKind::Test,
            block,
            question,
        });
        self
    }

    /// Has every replicate studied.
    pub fn study(mut self, study: Study) -> Self {
        self.studies.push(study);
        self
    }

    /// The studies of every replicate.
    pub fn studies(&self) -> &[Study] {
        &self.studies
    }

    /// What is asked: with the experiment's parameters it decides all queries.
    pub fn questions(&self) -> &[Asked] {
        &self.questions
    }

    /// The questions put to one replicate, without repetition, in a fixed order.
    pub fn queries(&self, replicate: u32) -> Vec<Query> {
        let count = self.experiment.schedule().len();
        let mut queries: Vec<Query> = self
            .questions
            .iter()
            .filter(|asked| asked.replicate.is_none_or(|only| only == replicate))
            .flat_map(|&Asked { checkpoints, sample, block, question, .. }| {
                checkpoints.indices(count).into_iter().map(move |checkpoint| Query {
                    checkpoint,
                    sample,
                    block,
                    question,
                })
            })
            .collect();
        queries.sort_unstable();
        queries.dedup();
        queries
    }
}
