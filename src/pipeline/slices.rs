//! Shares of work for machines that know nothing of each other: a split that depends on nothing but what is to be done, and the
//! doing of one share.

use crate::error::{Error, Result};
use crate::pipeline::compute::compute;
use crate::pipeline::context::{RunContext, Work, place};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::provenance::set_threads;
use crate::pipeline::units::{is_open, open};
use crate::problem::experiment::Experiment;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Most shares.
const MOST: u32 = 1_000_000;
/// Into how many pieces an average share is split: it is longer than the average by one piece and one unit at most, and has packs
/// of not many more experiments.
const PIECES: u64 = 8;

/// One of several shares: the I-th of N, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

impl FromStr for Slice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let numbers =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) && of <= MOST => Ok(Self { number, of }),
            _ => Err(format!("must be I/N with I from 1 to N, and N at most {MOST}")),
        }
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.number, self.of)
    }
}

/// Units divided among shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The number of each unit's share, from 1.
    pub numbers: Vec<u32>,
    /// The cost of each share.
    pub costs: Vec<u64>,
}

/// Divides units, each with its experiment and its cost. Neighbours of one experiment stay together in pieces of about the eighth
/// part of a share; the longest piece first, each goes to the share with the least so far, the first of several such.
#[must_use]
pub fn split<'a>(units: impl IntoIterator<Item = (&'a str, u64)>, of: u32) -> Split {
    let units: Vec<(&str, u64)> = units.into_iter().collect();
    let total: u64 = units.iter().map(|(_, cost)| cost).sum();
    let most = total / (u64::from(of) * PIECES);
    let mut pieces: Vec<(u64, std::ops::Range<usize>)> = Vec::new();
    for (place, (experiment, cost)) in units.iter().enumerate() {
        match pieces.last_mut() {
            Some((so_far, range)) if units[range.start].0 == *experiment && *so_far + cost <= most => {
                *so_far += cost;
                range.end = place + 1;
            }
            _ => pieces.push((*cost, place..place + 1)),
        }
    }
    pieces.sort_by_key(|(cost, range)| (Reverse(*cost), range.start));
    let mut least: BinaryHeap<Reverse<(u64, u32)>> = (1..=of).map(|number| Reverse((0, number))).collect();
    let mut split = Split { numbers: vec![0; units.len()], costs: vec![0; of as usize] };
    for (cost, range) in pieces {
        let Some(Reverse((so_far, number))) = least.pop() else { break };
        split.numbers[range].fill(number);
        split.costs[number as usize - 1] = so_far + cost;
        least.push(Reverse((so_far + cost, number)));
    }
    split
}

/// What a slice did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliced {
    /// How many units it has.
    pub units: usize,
    /// How many of them were not there yet.
    pub computed: usize,
}

/// Computes what is missing of one share of units, each with its cost, into a store that was opened for a slice.
///
/// # Errors
/// A store that cannot be written; a second, different value of something that is there.
pub fn run_slice(context: &RunContext, units: Vec<(Work, u64)>, slice: Slice, jobs: usize) -> Result<Sliced> {
    set_threads(jobs);
    let named = units.iter().map(|(work, cost)| (work.experiment.name.as_str(), *cost));
    let Split { numbers, .. } = split(named, slice.of);
    let mine = units.into_iter().zip(numbers).filter(|(_, number)| *number == slice.number);
    let mine: Vec<Work> = mine.map(|((work, _), _)| work).collect();
    let count = mine.len();
    let mut missing = Vec::new();
    for work in mine {
        if is_open(context, &work)? {
            missing.push(work);
        }
    }
    let computed = missing.len();
    compute(context, missing, jobs, false)?;
    Ok(Sliced { units: count, computed })
}

/// Seconds to wait, again and again, for what a network file system does not show yet.
const LATE: [u64; 4] = [1, 2, 4, 8];

/// Looks until everything that these stages need is there.
///
/// # Errors
/// Something is missing.
pub fn await_published(context: &RunContext, plans: &[StagePlan]) -> Result<()> {
    let mut pauses = LATE.into_iter();
    loop {
        let missing = open(context, plans)?;
        let Some((first, _)) = missing.first() else { return Ok(()) };
        let Some(pause) = pauses.next() else {
            let (count, first) = (missing.len(), place(&first.experiment, first.replicate));
            return Err(Error::Absent {
                what: format!("{count} units that these stages need are not there, {first} for one"),
                remedy: "compute them in slices, or without --merge; `plan` lists them".to_owned(),
            });
        };
        let experiments: BTreeMap<&str, &Experiment> =
            missing.iter().map(|(work, _)| (work.experiment.name.as_str(), &*work.experiment)).collect();
        for experiment in experiments.values() {
            let groups = context.groups(experiment)?;
            for group in groups.all() {
                context.store.look_anew(group)?;
            }
        }
        std::thread::sleep(Duration::from_secs(pause));
    }
}
