//! The folder of committed files: what it holds, and what it says of a stage.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::run::{claims, judge};
use crate::published::lockfile::{LockEntry, LockFile};
use crate::published::standard::{is_standard, variant};
use crate::published::status::Status;
use crate::published::{lockfile, overrides};
use crate::stage::claim::{Claim, Kind, Source, chosen, declare};
use crate::stage::{Profile, Results, Settings};
use crate::store::{Manifest, Mode, Store, aloud, wait};
use crate::table::Table;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The folder with the figures.
#[derive(Clone, Debug)]
pub struct Figures {
    root: PathBuf,
}

impl Figures {
    /// The figures folder, which need not exist yet.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether results under these settings are the committed ones.
    pub(crate) fn commits(settings: &Settings) -> bool {
        settings.profile == Profile::Paper && is_standard(settings)
    }

    /// Waits until no other run writes into the folder, and keeps others away until what is returned is dropped.
    ///
    /// # Errors
    /// A folder that cannot be made or locked.
    pub fn alone(&self) -> Result<fs::File> {
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        let folder = fs::File::open(&self.root).map_err(Error::io("open", &self.root))?;
        wait(&folder, &self.root, Mode::Exclusive, Duration::from_secs(1), &aloud)?;
        Ok(folder)
    }

    /// The lock; empty where there is none.
    ///
    /// # Errors
    /// A file that cannot be read or is no lock.
    pub fn lock(&self) -> Result<LockFile> {
        lockfile::read(&self.root.join("figures.lock"))
    }

    /// The folder that figures under these settings go to: this folder if they are the committed ones, otherwise a variant.
    #[must_use]
    pub fn folder(&self, settings: &Settings) -> PathBuf {
        if Self::commits(settings) {
            self.root.clone()
        } else {
            self.root.join("variants").join(variant(settings))
        }
    }

    /// The status of what is committed of a stage: whether its recipe is the one in the lock, and its tables and figures are the
    /// files that the lock names.
    pub(crate) fn committed_status(
        &self,
        lock: &LockFile,
        plan: &StagePlan,
        settings: &Settings,
    ) -> Result<Status> {
        let (stage, profile) = (plan.stage.name, settings.profile);
        let Some(entry) = lock.entry(stage, profile) else { return Ok(Status::Missing) };
        // Only figures of the paper profile are committed.
        let current = entry.recipe == plan.recipe(settings)?.digest().as_str()
            && self.has_tables(stage, profile, entry)
            && (profile == Profile::Quick || self.holds(entry));
        Ok(if current { Status::UpToDate } else { Status::Stale })
    }

    /// Whether the committed figures of a stage, in every format, and their captions are the files that the lock names.
    #[must_use]
    pub fn holds(&self, entry: &LockEntry) -> bool {
        entry
            .figures
            .iter()
            .all(|(file, digest)| fs::read(self.root.join(file)).is_ok_and(|bytes| sha256(&bytes) == *digest))
    }

    /// Whether the committed tables of a stage are there as the lock names them.
    pub(crate) fn has_tables(&self, stage: &str, profile: Profile, entry: &LockEntry) -> bool {
        entry.values.iter().all(|(table, digest)| self.table(stage, profile, table, digest).is_ok())
    }

    /// A committed table of a stage, if it has the values that the lock names.
    pub(crate) fn table(&self, stage: &str, profile: Profile, name: &str, digest: &str) -> Result<Table> {
        let path = self.tables(stage, profile).join(format!("{name}.parquet"));
        let problem = match Table::from_parquet(name, &path) {
            Ok(table) if table.values_digest()? == digest => return Ok(table),
            Ok(_) => "does not hold the values that figures.lock names".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Error::damaged(&path, format!("{problem}; restore the committed file, or `run {stage}`")))
    }

    /// Folder of the committed tables of a stage in a profile.
    #[must_use]
    pub fn tables(&self, stage: &str, profile: Profile) -> PathBuf {
        let folder = self.root.join("values").join(stage);
        match profile {
            Profile::Paper => folder,
            Profile::Quick => folder.join(profile.word()),
        }
    }

    /// The committed tables of a stage, checked against the lock; none where there are none or the settings differ.
    ///
    /// # Errors
    /// A committed table that is not the one the lock names.
    pub fn results(&self, settings: &Settings, plan: &StagePlan) -> Result<Option<Results>> {
        let name = plan.stage.name;
        let lock = self.lock()?;
        let entry = lock.entry(name, Profile::Paper);
        let (true, Some(entry)) = (Self::commits(settings), entry) else { return Ok(None) };
        let mut tables = BTreeMap::new();
        for (table, digest) in &entry.values {
            tables.insert(table.clone(), self.table(name, Profile::Paper, table, digest)?);
        }
        Ok(Some(Results { profile: settings.profile, experiments: plan.experiments(), tables }))
    }

    /// Claims of a stage: from the store if it is up to date, otherwise from the committed values, otherwise `not run`; each says with
    /// which overrides it was measured.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn claims(
        &self,
        store: &Store,
        settings: &Settings,
        plan: &StagePlan,
        current: Option<&Manifest>,
    ) -> Result<Vec<Claim>> {
        let mut claims = if let Some(figures) = current {
            claims(store, figures)?
        } else if let Some(results) = self.results(settings, plan)? {
            let judged = judge(plan.stage, &results)?.into_iter();
            judged.map(|claim| Claim { source: Source::Committed, ..claim }).collect()
        } else {
            let reason = format!("nothing was computed; `spectral-alignment run {}` does", plan.stage.name);
            plan.stage.claims.iter().map(|id| unknown(id, plan, &reason)).collect()
        };
        overrides::note_in(&mut claims, plan, settings);
        Ok(claims)
    }
}

/// The statistic of a claim of which nothing was computed.
pub const NOT_COMPUTED: &str = "not computed";

/// A claim of which nothing was computed.
fn unknown(id: &'static str, plan: &StagePlan, reason: &str) -> Claim {
    let declared = declare(id, Kind::Bound).says(plan.stage.title).statistic(NOT_COMPUTED);
    Claim { stage: plan.stage.name.to_owned(), ..declared.at_most(0.0, chosen("")).not_run(reason) }
}
