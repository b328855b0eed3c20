//! Options that go with every command that touches results.

use crate::cli::values::profiles;
use crate::error::{Error, Result};
use crate::pipeline::project;
use crate::published::overrides;
use crate::stage::{Override, Profile, Settings};
use clap::Args;
use std::path::{Path, PathBuf};

/// What goes with every command that touches results.
#[derive(Debug, Args)]
pub struct Shared {
    /// Size of the experiments.
    #[arg(long, value_parser = profiles(), default_value = "paper")]
    profile: Profile,
    /// Root of all random streams.
    #[arg(long, value_name = "N", default_value_t = crate::published::DEFAULT_SEED)]
    seed: u64,
    /// Change a parameter of an experiment, or of all members of a family: d, k, width, depth, lambda, nuisance, beta, c, phi, horizon, replicates,
    /// checkpoints. Several values, as in gmm-snr.lambda=1,10,100, replace an axis of a family.
    #[arg(long, value_name = "EXPERIMENT.KEY=VALUE")]
    set: Vec<String>,
    /// Read changed parameters from a TOML file with one table per experiment; --set takes precedence.
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// Folder of the cache. [default: data/ of the clone around the working directory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the figures. [default: figures/ of the clone around the working directory]
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
}

/// The folder of this name; a build with a mutation has its own.
fn folder(name: &str) -> PathBuf {
    let above =
        crate::mutation::NAME.map_or_else(PathBuf::new, |mutation| Path::new("mutated").join(mutation));
    above.join(name)
}

impl Shared {
    /// What the user chose.
    ///
    /// # Errors
    /// A `--set` that is not `EXPERIMENT.KEY=VALUE`; an unreadable file of overrides.
    pub fn settings(&self) -> Result<Settings> {
        let mut overrides = self.overrides.as_deref().map_or_else(|| Ok(Vec::new()), overrides::read)?;
        for text in &self.set {
            overrides.push(parse_override(text)?);
        }
        // The last of several values for one key counts; the order of different keys does not.
        overrides::resolve(&mut overrides);
        Ok(Settings { profile: self.profile, seed: self.seed, overrides })
    }

    /// Folder of the cache.
    ///
    /// # Errors
    /// None given, outside a clone of the sources of this program.
    pub fn data(&self) -> Result<PathBuf> {
        self.data.clone().map_or_else(|| self.default_folder("data"), Ok)
    }

    /// Folder of the figures.
    ///
    /// # Errors
    /// None given, outside a clone of the sources of this program.
    pub fn figures(&self) -> Result<PathBuf> {
        self.figures.clone().map_or_else(|| self.default_folder("figures"), Ok)
    }

    fn default_folder(&self, name: &str) -> Result<PathBuf> {
        let given = [("--data", &self.data), ("--figures", &self.figures)];
        let lacking: Vec<&str> =
            given.iter().filter(|(_, folder)| folder.is_none()).map(|(option, _)| *option).collect();
        let root = project::root(&format!("give {}", lacking.join(" and ")))?;
        let folder = folder(name);
        // As short as people know it.
        let here = std::env::current_dir().is_ok_and(|here| here == root);
        Ok(if here { folder } else { root.join(folder) })
    }
}

fn parse_override(text: &str) -> Result<Override> {
    let parts = text.split_once('=').and_then(|(place, value)| {
        place.rsplit_once('.').map(|(experiment, key)| (experiment.trim(), key.trim(), value.trim()))
    });
    match parts {
        Some((experiment, key, value)) if !experiment.is_empty() && !key.is_empty() => {
            Ok(Override { experiment: experiment.to_owned(), key: key.to_owned(), value: value.to_owned() })
        }
        _ => Err(Error::Usage(format!(
            "--set {text}: write EXPERIMENT.KEY=VALUE, for example --set gmm.lambda=10"
        ))),
    }
}
