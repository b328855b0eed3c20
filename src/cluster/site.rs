//! A site: what a cluster wants of those who use it, in a small TOML file.

use crate::error::{Error, Result};
use crate::store::read_file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Most bytes of such a file.
const LIMIT: u64 = 1 << 20;

/// What a cluster wants; what its file does not say is as in [`Site::default`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// Most array elements in all: sites allow about a thousand.
    pub elements: u32,
    /// Most elements of one array; what Slurm itself says, if nothing is said here.
    pub array: Option<u32>,
    /// Most elements that run at the same time.
    pub parallel: u32,
    /// Fewest minutes that an element is meant to take; the starts a minute that sites ask for may make it more.
    pub minutes: f64,
    /// Most job starts a minute.
    pub starts: f64,
    /// Processors of an element.
    pub cpus: u32,
    /// How many times as long as declared an element may take before Slurm ends it.
    pub safety: f64,
    /// Lines that stand first in the scripts, such as `module load openblas`.
    pub before: Vec<String>,
    /// Options of `sbatch` by their long names, such as `partition = "short"`.
    pub sbatch: BTreeMap<String, toml::Value>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            elements: 1000,
            array: None,
            parallel: 100,
            minutes: 60.0,
            starts: 10.0,
            cpus: 1,
            safety: 3.0,
            before: Vec::new(),
            sbatch: BTreeMap::new(),
        }
    }
}

impl Site {
    /// Reads the file of a site.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, or says what no site can want.
    pub fn read(path: &Path) -> Result<Self> {
        let text = String::from_utf8(read_file(path, LIMIT)?).map_err(|_| "is not UTF-8 text".to_owned());
        let site = text.and_then(|text| Self::parse(&text));
        site.map_err(|problem| Error::Usage(format!("--site {}: {problem}", path.display())))
    }

    /// The site in the text of such a file; the problem in words if it is none.
    ///
    /// # Errors
    /// As for [`Site::read`].
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let site: Self = toml::from_str(text).map_err(|error| error.to_string().trim().replace('\n', " "))?;
        site.check()?;
        for (name, value) in &site.sbatch {
            written(value).ok_or_else(|| format!("sbatch.{name}: must be text, a number, or true"))?;
        }
        Ok(site)
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// One that is out of its range, in words.
    pub fn check(&self) -> std::result::Result<(), String> {
        let whole = [
            ("elements", self.elements),
            ("array", self.array.unwrap_or(1)),
            ("parallel", self.parallel),
            ("cpus", self.cpus),
        ];
        if let Some((name, value)) = whole.into_iter().find(|(_, value)| !(1..=1_000_000).contains(value)) {
            return Err(format!("{name} = {value}: must be between 1 and 1000000"));
        }
        let real = [("minutes", self.minutes), ("starts", self.starts), ("safety", self.safety)];
        match real.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0 && *value < 1e6)) {
            Some((name, value)) => Err(format!("{name} = {value}: must be above 0 and below 1000000")),
            None if self.safety < 1.0 => Err(format!("safety = {}: must be at least 1", self.safety)),
            None => Ok(()),
        }
    }

    /// Its options of `sbatch`, as words.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let option = |(name, value): (&String, &toml::Value)| match written(value)? {
            text if text.is_empty() => Some(format!("--{name}")),
            text => Some(format!("--{name}={text}")),
        };
        self.sbatch.iter().filter_map(option).collect()
    }
}

/// A value as `sbatch` takes it; empty for an option that has none.
fn written(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(true) => Some(String::new()),
        _ => None,
    }
}
