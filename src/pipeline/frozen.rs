//! A frozen plan: what was missing when somebody looked, in a file, to be done in slices at any time and on any machine.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::pipeline::context::{RunContext, Work};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::units::{Unit, all};
use crate::stage::{Override, Profile, Settings};
use crate::store::{Folder, read_file};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Version of the file.
const FORMAT: u32 = 1;
/// Most bytes of a plan: some hundred million units.
const LIMIT: u64 = 1 << 30;

/// A frozen plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    format: u32,
    /// Digest of the keys of everything that the stages simulate: of code, parameters and seed.
    keys: String,
    /// The stages.
    pub stages: Vec<String>,
    profile: String,
    seed: u64,
    /// Experiment, key, value.
    set: Vec<[String; 3]>,
    missing: Vec<Part>,
}

/// Missing replicates of one experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    experiment: String,
    /// Replicates in a row that cost the same: the first, how many, nanoseconds of each.
    replicates: Vec<(u32, u32, u64)>,
}

impl Frozen {
    /// What is missing of these stages.
    ///
    /// # Errors
    /// Parameters without a canonical form.
    pub fn new(context: &RunContext, plans: &[StagePlan], units: &[Unit]) -> Result<Self> {
        let settings = context.settings;
        let mut missing: Vec<Part> = Vec::new();
        for unit in units {
            if missing.last().is_none_or(|part| part.experiment != unit.experiment) {
                missing.push(Part { experiment: unit.experiment.clone(), replicates: Vec::new() });
            }
            let Some(part) = missing.last_mut() else { continue };
            match part.replicates.last_mut() {
                Some((first, count, cost)) if *first + *count == unit.replicate && *cost == unit.cost => {
                    *count += 1;
                }
                _ => part.replicates.push((unit.replicate, 1, unit.cost)),
            }
        }
        Ok(Self {
            format: FORMAT,
            keys: keys(context, plans)?,
            stages: plans.iter().map(|plan| plan.stage.name.to_owned()).collect(),
            profile: settings.profile.word().to_owned(),
            seed: settings.seed,
            set: settings
                .overrides
                .iter()
                .map(|change| [change.experiment.clone(), change.key.clone(), change.value.clone()])
                .collect(),
            missing,
        })
    }

    /// Number of units.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.missing.iter().flat_map(|part| &part.replicates).map(|(_, count, _)| u64::from(*count)).sum()
    }

    /// Digest of everything in it.
    ///
    /// # Errors
    /// None but a defect.
    pub fn digest(&self) -> Result<String> {
        Ok(sha256(&self.bytes()?))
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(self).map_err(|error| Error::defect("frozen plan", error))?;
        Ok([text, b"\n".to_vec()].concat())
    }

    /// Writes it, in one step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::Usage(format!("{} is no name of a file", path.display())))?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Folder::make_root(folder.unwrap_or(Path::new(".")))?.update(name, &self.bytes()?)?;
        Ok(())
    }

    /// Reads one.
    ///
    /// # Errors
    /// A file that cannot be read, or is no frozen plan.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_file(path, LIMIT)?;
        let read: std::result::Result<Self, String> = serde_json::from_slice(&bytes)
            .map_err(|error| error.to_string())
            .and_then(|plan: Self| match plan.format {
                FORMAT => Ok(plan),
                other => Err(format!("has format {other}, not {FORMAT}")),
            });
        read.map_err(|problem| Error::damaged(path, format!("is no frozen plan: {problem}")))
    }

    /// The settings that it was made for.
    ///
    /// # Errors
    /// A profile that there is not.
    pub fn settings(&self) -> Result<Settings> {
        let profiles = [Profile::Paper, Profile::Quick];
        let words = profiles.map(Profile::word);
        let profile = profiles.into_iter().find(|profile| profile.word() == self.profile);
        let profile = profile.ok_or_else(|| Error::unknown("profile", &self.profile, &words))?;
        let overrides = self.set.iter().cloned();
        let overrides =
            overrides.map(|[experiment, key, value]| Override { experiment, key, value }).collect();
        Ok(Settings { profile, seed: self.seed, overrides })
    }

    /// Its units with what stages need of them and with their costs when it was frozen.
    ///
    /// # Errors
    /// A plan that another version of the program made, or for something else.
    pub fn works(&self, context: &RunContext, plans: &[StagePlan]) -> Result<Vec<(Work, u64)>> {
        if self.keys != keys(context, plans)? {
            return Err(Error::Usage(
                "the plan was frozen by another version of this program: freeze it anew with `plan --out`"
                    .to_owned(),
            ));
        }
        let mut costs: BTreeMap<&str, BTreeMap<u32, (u32, u64)>> = BTreeMap::new();
        for part in &self.missing {
            let rows = part.replicates.iter().map(|(first, count, cost)| (*first, (*count, *cost)));
            costs.entry(&part.experiment).or_default().extend(rows);
        }
        let cost = |work: &Work| {
            let (first, (count, cost)) =
                costs.get(work.experiment.name.as_str())?.range(..=work.replicate).next_back()?;
            (work.replicate - first < *count).then_some(*cost)
        };
        let known = all(plans).into_iter().filter_map(|(work, _)| cost(&work).map(|cost| (work, cost)));
        Ok(known.collect())
    }
}

/// Digest of the keys of everything that stages simulate.
fn keys(context: &RunContext, plans: &[StagePlan]) -> Result<String> {
    let mut keys = BTreeMap::new();
    for experiment in plans.iter().flat_map(StagePlan::experiments) {
        let groups = context.groups(&experiment.1)?;
        keys.insert(experiment.0, groups.all().map(|group| group.key().clone()));
    }
    let text = serde_json::to_vec(&keys).map_err(|error| Error::defect("frozen plan", error))?;
    Ok(sha256(&text))
}
