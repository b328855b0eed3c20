//! How missing units are packed into elements of arrays, and what each element asks for.

use crate::cluster::limits::Limits;
use crate::cluster::site::Site;
use crate::error::{Error, Result};
use crate::pipeline::openblas::{BUFFER, SPARE};
use crate::pipeline::slices::{Split, split};
use crate::pipeline::units::{Unit, seconds};

/// Minutes that an element may take to begin: its plan, a slow file system.
const BEGIN: u64 = 5;
/// Bytes for the plan and the indices of packs.
const PLAN: u64 = 256 << 20;
/// Elements of one array where neither the site nor Slurm says how many: Slurm's own default.
const ARRAY: u32 = 1000;

/// An array, by the elements before its first and the number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    /// Elements in arrays before it.
    pub before: u32,
    /// Its elements.
    pub elements: u32,
    /// How many of them run at the same time.
    pub parallel: u32,
}

/// Elements and what they ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Elements in all arrays: the N of slices.
    pub elements: u32,
    /// Processors of each.
    pub cpus: u32,
    /// Its time limit, in minutes.
    pub minutes: u64,
    /// Its memory, in megabytes.
    pub megabytes: u64,
    /// Declared seconds of the longest.
    pub longest: f64,
    /// The arrays.
    pub arrays: Vec<Array>,
}

impl Layout {
    /// Packs units for a site within what the partition allows; `elements` is a number of elements that the user wants.
    ///
    /// # Errors
    /// A unit that the partition does not allow.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of elements and minutes, from estimates"
    )]
    pub fn new(units: &[Unit], site: &Site, limits: Limits, elements: Option<u32>) -> Result<Self> {
        let refused = |name: &str, value: String, rule: String| Err(Error::parameter(name, value, rule));
        if let Some(most) = limits.cpus.filter(|most| site.cpus > *most) {
            return refused("cpus", site.cpus.to_string(), format!("the partition's nodes have {most}"));
        }
        let longest_unit = units.iter().max_by_key(|unit| unit.cost);
        if let (Some(unit), Some(most)) = (longest_unit, limits.minutes)
            && unit.seconds() > 60.0 * most as f64
        {
            let rule = format!("takes {:.0} minutes, and the partition allows {most}", unit.seconds() / 60.0);
            return refused("unit", unit.name.clone(), rule);
        }
        let mut needs: Vec<u64> = units.iter().map(|unit| unit.bytes).collect();
        needs.sort_unstable_by(|a, b| b.cmp(a));
        let needs: u64 = needs.iter().take(site.cpus as usize).sum();
        let megabytes = (needs + u64::from(site.cpus) * BUFFER + SPARE + PLAN).div_ceil(1 << 20);
        if let Some(most) = limits.megabytes.filter(|most| megabytes > *most) {
            let rule = format!("MB are needed by {} threads, and the partition allows {most}", site.cpus);
            return refused("memory", megabytes.to_string(), rule);
        }
        let total: u64 = units.iter().map(|unit| unit.cost).sum();
        let least = 60.0 * site.minutes.max(f64::from(site.parallel) / site.starts);
        let most = site.elements.min(u32::try_from(units.len()).unwrap_or(u32::MAX)).max(1);
        let by_time =
            (seconds(total) / (least * f64::from(site.cpus))).ceil().clamp(1.0, f64::from(most)) as u32;
        let mut number = elements.unwrap_or(by_time);
        let (longest, minutes) = loop {
            let named = units.iter().map(|unit| (unit.experiment.as_str(), unit.cost));
            let Split { costs, .. } = split(named, number);
            let slice = seconds(costs.into_iter().max().unwrap_or(0)) / f64::from(site.cpus);
            // One thread may have to do the longest unit alone.
            let longest = slice.max(longest_unit.map_or(0.0, Unit::seconds));
            let minutes = (site.safety * longest / 60.0).ceil() as u64 + BEGIN;
            match limits.minutes {
                Some(most_minutes) if minutes > most_minutes && elements.is_none() && number < most => {
                    number = number.saturating_mul(2).min(most);
                }
                // What does not get done by then is done after a further submission.
                most_minutes => break (longest, most_minutes.map_or(minutes, |most| minutes.min(most))),
            }
        };
        let array = site.array.or(limits.index).unwrap_or(ARRAY).min(limits.index.unwrap_or(u32::MAX));
        let count = number.div_ceil(array);
        let parallel = site.parallel.div_ceil(count);
        let arrays = (0..count)
            .map(|at| Array { before: at * array, elements: array.min(number - at * array), parallel })
            .collect();
        Ok(Self { elements: number, cpus: site.cpus, minutes, megabytes, longest, arrays })
    }
}
