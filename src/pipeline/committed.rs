//! What is committed beside the code: figures, the reduced tables behind them, and `figures.lock`.

use crate::claim::{Claim, Source, Verdict};
use crate::error::{Error, Result};
use crate::pipeline::key::{Value, sha256};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::run::{CLAIMS, Done, claims, judge};
use crate::pipeline::store::{BlobEntry, Manifest, Store};
use crate::pipeline::table::Table;
use crate::pipeline::verify::columns::columns;
use crate::pipeline::{lockfile, overrides};
use crate::stage::{Profile, Results, Settings, Stage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The root seed of everything that is committed.
pub const DEFAULT_SEED: u64 = 0;

/// `figures.lock`: what the committed figures were made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Version of this format.
    pub format: u32,
    /// Source files behind the entries, with the first digits of their digests: when this lock was written.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// By stage, then by profile.
    pub stages: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// One stage in one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Digest of experiments, parameters, seed and source closure.
    pub recipe: String,
    /// What else the recipe was made of: seed scheme, code, crates, questions.
    #[serde(default)]
    pub ingredients: BTreeMap<String, String>,
    /// The root seed.
    pub seed: u64,
    /// Parameters of each experiment.
    pub parameters: BTreeMap<String, Value>,
    /// Digest of schema and values of each table.
    pub values: BTreeMap<String, String>,
    /// Digest of each figure's files: SVG, PDF, and the caption as text.
    pub figures: BTreeMap<String, String>,
    /// Every claim.
    pub claims: Vec<Claim>,
}

const FORMAT: u32 = 1;

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
    #[must_use]
    pub fn commits(settings: &Settings) -> bool {
        settings.profile == Profile::Paper && standard(settings)
    }

    /// Waits until no other run writes into the folder, and keeps others away until what is returned is dropped.
    ///
    /// # Errors
    /// A folder that cannot be made or locked.
    pub fn alone(&self) -> Result<fs::File> {
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        let folder = fs::File::open(&self.root).map_err(Error::io("open", &self.root))?;
        folder.lock().map_err(Error::io("lock", &self.root))?;
        Ok(folder)
    }

    /// The lock; empty where there is none.
    ///
    /// # Errors
    /// A file that cannot be read or is no lock.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.root.join("figures.lock");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Lock { format: FORMAT, ..Lock::default() });
            }
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        let lock: Lock = serde_json::from_slice(&bytes).map_err(|error| {
            Error::damaged(&path, format!("{error}; restore the committed file or delete it"))
        })?;
        if lock.format != FORMAT {
            return Err(Error::damaged(
                path,
                format!("has format {}, this program reads {FORMAT}", lock.format),
            ));
        }
        lockfile::check(&lock).map_err(|problem| {
            Error::damaged(&path, format!("{problem}; restore the committed file or delete it"))
        })?;
        Ok(lock)
    }

    /// The folder that figures under these settings go to: this one where they are the committed ones, else a variant.
    #[must_use]
    pub fn folder(&self, settings: &Settings) -> PathBuf {
        if Self::commits(settings) {
            self.root.clone()
        } else {
            self.root.join("variants").join(variant(settings))
        }
    }

    /// Publishes stages: into the folder itself where they are the committed ones, else into a variant below it.
    /// Returns the folder written to and the names of the stages whose files changed.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn publish(
        &self,
        store: &Store,
        settings: &Settings,
        done: &[Done],
    ) -> Result<(PathBuf, Vec<String>)> {
        if !Self::commits(settings) {
            let folder = self.folder(settings);
            let mut changed = Vec::new();
            for stage in done {
                let mut any = false;
                for entry in drawn(&stage.figures) {
                    any |= update(&folder.join(&entry.name), &blob(store, &stage.figures, &entry.name)?)?;
                }
                if any {
                    changed.push(stage.plan.stage.name.to_owned());
                }
            }
            if !settings.overrides.is_empty() {
                update(&folder.join("overrides.toml"), overrides::toml(&settings.overrides).as_bytes())?;
            }
            return Ok((folder, changed));
        }
        let mut lock = self.lock()?;
        let mut changed = Vec::new();
        for stage in done {
            let entry = entry(store, settings, stage)?;
            let name = stage.plan.stage.name;
            if self.agrees(&lock, name, &entry, store, stage)? {
                Self::complete(&mut lock, stage, entry)?;
                continue;
            }
            for file in entry.figures.keys() {
                update(&self.root.join(file), &blob(store, &stage.figures, file)?)?;
            }
            self.write_tables(store, settings.profile, stage)?;
            lockfile::note_sources(&mut lock, &stage.plan)?;
            lock.stages.entry(name.to_owned()).or_default().insert(settings.profile.word().to_owned(), entry);
            changed.push(name.to_owned());
        }
        self.write_lock(&lock)?;
        Ok((self.root.clone(), changed))
    }

    /// Records the quick profile of stages in the lock.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn record(&self, store: &Store, settings: &Settings, done: &[Done]) -> Result<()> {
        let (mut lock, profile) = (self.lock()?, settings.profile);
        for stage in done {
            let (name, new) = (stage.plan.stage.name, entry(store, settings, stage)?);
            let old = lock.stages.get(name).and_then(|profiles| profiles.get(profile.word()));
            if old.is_some_and(|old| old.recipe == new.recipe && self.has_tables(name, profile, old)) {
                Self::complete(&mut lock, stage, new)?;
                continue;
            }
            self.write_tables(store, profile, stage)?;
            lockfile::note_sources(&mut lock, &stage.plan)?;
            lock.stages.entry(name.to_owned()).or_default().insert(profile.word().to_owned(), new);
        }
        self.write_lock(&lock)
    }

    /// Drops from the lock the stages that are not among `all`, with their files, and every file that the lock named
    /// `before` and names no more; the names of the stages.
    ///
    /// # Errors
    /// A file that cannot be read, written or deleted.
    pub fn drop_gone(&self, before: &Lock, all: &[&'static Stage]) -> Result<Vec<String>> {
        let mut lock = self.lock()?;
        let gone = lockfile::drop_stages(&mut lock, all);
        if !gone.is_empty() {
            self.write_lock(&lock)?;
        }
        lockfile::drop_traces(&self.root, before, &lock)?;
        Ok(gone)
    }

    /// Fills in what an older program did not write to the entry of a stage whose recipe is that of `new`.
    fn complete(lock: &mut Lock, done: &Done, new: Entry) -> Result<()> {
        let profiles = lock.stages.get_mut(done.plan.stage.name);
        let old = profiles.and_then(|profiles| profiles.values_mut().find(|old| old.recipe == new.recipe));
        if let Some(old) = old.filter(|old| old.ingredients.is_empty()) {
            old.ingredients = new.ingredients;
            lockfile::note_sources(lock, &done.plan)?;
        }
        Ok(())
    }

    fn write_tables(&self, store: &Store, profile: Profile, done: &Done) -> Result<()> {
        let folder = self.tables(done.plan.stage.name, profile);
        for table in &done.tables.tables {
            let values =
                store.table(&done.tables, &table.table)?.ok_or_else(|| damaged(store, &done.tables))?;
            update(&folder.join(&table.file), &values.to_parquet_bytes(&[])?)?;
        }
        Ok(())
    }

    /// Whether the committed tables of a stage are there as the lock names them.
    fn has_tables(&self, stage: &str, profile: Profile, entry: &Entry) -> bool {
        entry.values.iter().all(|(table, digest)| {
            let path = self.tables(stage, profile).join(format!("{table}.parquet"));
            let values = Table::from_parquet(table, &path).and_then(|table| table.values_digest());
            values.is_ok_and(|values| values == *digest)
        })
    }

    fn write_lock(&self, lock: &Lock) -> Result<()> {
        let path = self.root.join("figures.lock");
        let mut bytes = serde_json::to_vec_pretty(lock).map_err(|error| Error::damaged(&path, error))?;
        bytes.push(b'\n');
        update(&path, &bytes).map(|_| ())
    }

    /// Whether the committed figures of a stage, in every format, and their captions are the files that the lock names.
    #[must_use]
    pub fn holds(&self, entry: &Entry) -> bool {
        entry
            .figures
            .iter()
            .all(|(file, digest)| fs::read(self.root.join(file)).is_ok_and(|bytes| sha256(&bytes) == *digest))
    }

    /// Folder of the committed tables of a stage.
    #[must_use]
    pub fn values(&self, stage: &str) -> PathBuf {
        self.root.join("values").join(stage)
    }

    /// Folder of the committed tables of a stage in a profile.
    #[must_use]
    pub fn tables(&self, stage: &str, profile: Profile) -> PathBuf {
        match profile {
            Profile::Paper => self.values(stage),
            Profile::Quick => self.values(stage).join(profile.word()),
        }
    }

    /// Whether the committed files of a stage were made by the same recipe, are whole, and hold the same values within
    /// tolerance: then they are left untouched.
    fn agrees(&self, lock: &Lock, name: &str, new: &Entry, store: &Store, done: &Done) -> Result<bool> {
        let Some(old) = lock.stages.get(name).and_then(|profiles| profiles.get(Profile::Paper.word())) else {
            return Ok(false);
        };
        if old.recipe != new.recipe || !self.holds(old) {
            return Ok(false);
        }
        for entry in &done.tables.tables {
            let Ok(committed) = Table::from_parquet(&entry.table, &self.values(name).join(&entry.file))
            else {
                return Ok(false);
            };
            if old.values.get(&entry.table) != Some(&committed.values_digest()?) {
                return Ok(false);
            }
            if committed.values_digest()? == entry.values_sha256 {
                continue;
            }
            let computed =
                store.table(&done.tables, &entry.table)?.ok_or_else(|| damaged(store, &done.tables))?;
            if columns(&committed, &computed)?.iter().any(|column| column.verdict.is_bad()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The committed tables of a stage, checked against the lock; none where there are none or the settings differ.
    ///
    /// # Errors
    /// A committed table that is not the one the lock names.
    pub fn results(&self, settings: &Settings, plan: &StagePlan) -> Result<Option<Results>> {
        let name = plan.stage.name;
        let lock = self.lock()?;
        let entry = lock.stages.get(name).and_then(|profiles| profiles.get(Profile::Paper.word()));
        let (true, Some(entry)) = (Self::commits(settings), entry) else { return Ok(None) };
        let mut tables = BTreeMap::new();
        for (table, digest) in &entry.values {
            let path = self.values(name).join(format!("{table}.parquet"));
            let values = Table::from_parquet(table, &path)?;
            if values.values_digest()? != *digest {
                return Err(Error::damaged(path, "does not hold the values that figures.lock names"));
            }
            tables.insert(table.clone(), values);
        }
        Ok(Some(Results { profile: settings.profile, experiments: plan.experiments(), tables }))
    }

    /// Claims of a stage: from the store where it is up to date, else from the committed values, else `not run`.
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
        if let Some(figures) = current {
            return claims(store, figures);
        }
        let Some(results) = self.results(settings, plan)? else {
            let reason = format!("nothing was computed; `spectral-alignment run {}` does", plan.stage.name);
            return Ok(plan.stage.claims.iter().map(|id| unknown(id, plan, &reason)).collect());
        };
        let mut claims = judge(plan.stage, &results)?;
        for claim in &mut claims {
            claim.source = Source::Committed;
        }
        Ok(claims)
    }
}

/// The statistic of a claim of which nothing was computed.
pub const NOT_COMPUTED: &str = "not computed";

/// A claim of which nothing was computed.
fn unknown(id: &'static str, plan: &StagePlan, reason: &str) -> Claim {
    let mut claim = crate::claim::declare(id, plan.stage.title, NOT_COMPUTED).at_most(0.0).not_run(0, reason);
    plan.stage.name.clone_into(&mut claim.stage);
    debug_assert!(claim.verdict == Verdict::NotRun);
    claim
}

fn standard(settings: &Settings) -> bool {
    settings.seed == DEFAULT_SEED && settings.overrides.is_empty()
}

/// Name of the folder for results that are not committed.
#[must_use]
pub fn variant(settings: &Settings) -> String {
    let mut name = settings.profile.word().to_owned();
    if settings.seed != DEFAULT_SEED {
        name = format!("{name}-seed-{}", settings.seed);
    }
    if !settings.overrides.is_empty() {
        let changes: Vec<String> = settings
            .overrides
            .iter()
            .map(|change| format!("{}.{}={}", change.experiment, change.key, change.value))
            .collect();
        let digest = sha256(changes.join("\n").as_bytes());
        name = format!("{name}-set-{}", digest.get(..8).unwrap_or_default());
    }
    name
}

fn damaged(store: &Store, manifest: &Manifest) -> Error {
    Error::damaged(store.folder(manifest), "was damaged; run again")
}

fn blob(store: &Store, manifest: &Manifest, name: &str) -> Result<Vec<u8>> {
    store.blob(manifest, name)?.ok_or_else(|| damaged(store, manifest))
}

/// The figures among the files of a unit.
fn drawn(figures: &Manifest) -> impl Iterator<Item = &BlobEntry> {
    figures.blobs.iter().filter(|entry| entry.name != CLAIMS)
}

fn entry(store: &Store, settings: &Settings, done: &Done) -> Result<Entry> {
    Ok(Entry {
        recipe: done.plan.recipe(settings)?.digest().to_string(),
        ingredients: lockfile::ingredients(&done.plan, settings)?,
        seed: settings.seed,
        parameters: done.plan.parameters(),
        values: done
            .tables
            .tables
            .iter()
            .map(|entry| (entry.table.clone(), entry.values_sha256.clone()))
            .collect(),
        figures: drawn(&done.figures).map(|entry| (entry.name.clone(), entry.sha256.clone())).collect(),
        claims: claims(store, &done.figures)?,
    })
}

/// Writes a file beside its place and renames it, unless it already holds these bytes; whether it was written.
///
/// # Errors
/// A file that cannot be written.
pub fn update(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(Error::io("create a file in", folder))?;
    std::io::Write::write_all(&mut file, bytes).map_err(Error::io("write", path))?;
    file.as_file().sync_all().map_err(Error::io("write", path))?;
    #[cfg(unix)]
    {
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(Error::io("write", path))?;
    }
    file.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    Ok(true)
}
