//! The folder of committed files: what it holds, and what it says of a stage.

use crate::digest::sha256;
use crate::error::{Error, Result, say};
use crate::pipeline::plan::StagePlan;
use crate::pipeline::run::{judge, results};
use crate::published::editions::Editions;
use crate::published::lockfile::{LOCK, LockEntry, LockFile};
use crate::published::standard::{is_standard, variant};
use crate::published::status::Status;
use crate::published::{editions, latex, lockfile, overrides, style_file};
use crate::stage::claim::{Claim, Kind, Source, chosen, declare};
use crate::stage::{Profile, Results, Settings};
use crate::store::{Cleaned, Folder, Manifest, Mode, Place, Store, is_draft, wait};
use crate::table::{MOST_BYTES, Table, repeated};
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
        wait(&folder, &self.root, Mode::Exclusive, Duration::from_secs(1), &say)?;
        Ok(folder)
    }

    /// The bytes of a regular file below the folder; nothing where there is none.
    ///
    /// # Errors
    /// A file that cannot be read or is larger than any of ours.
    pub fn read(&self, file: &str) -> Result<Option<Vec<u8>>> {
        Folder::place(&self.root, file)?.map_or(Ok(None), |(folder, name)| folder.read(name, MOST_BYTES))
    }

    /// Replaces a file below the folder in one step, unless it holds these bytes already; whether it did.
    ///
    /// # Errors
    /// Something that is no regular file in its place; a file that cannot be written.
    pub fn update(&self, file: &str, bytes: &[u8]) -> Result<bool> {
        Folder::update_below(&self.root, file, bytes)
    }

    /// Whether a file has bytes with this digest.
    pub(crate) fn has_bytes(&self, file: &str, digest: &str) -> bool {
        matches!(self.read(file), Ok(Some(bytes)) if sha256(&bytes) == digest)
    }

    /// Whether a file is the one with this digest: of its values, if it is a table.
    pub(crate) fn is(&self, file: &str, digest: &str) -> bool {
        let Some(name) = file.strip_suffix(".parquet") else { return self.has_bytes(file, digest) };
        let Ok(Some(bytes)) = self.read(file) else { return false };
        Table::from_parquet_bytes(name, &bytes)
            .and_then(|table| table.values_digest())
            .is_ok_and(|found| found == digest)
    }

    /// Deletes a file if it is the one with this digest, and the folders that are empty then.
    pub(crate) fn delete(&self, file: &str, digest: &str) -> Result<()> {
        if matches!(self.read(file), Ok(None)) {
            return Ok(());
        }
        if !self.is(file, digest) {
            say(&format!("{}: is not as this program wrote it; left there", self.root.join(file).display()));
            return Ok(());
        }
        Folder::remove_below(&self.root, file)
    }

    /// Removes unfinished files of killed runs from a folder below this one, and from the committed tables.
    pub(crate) fn sweep(&self, below: &str) -> Result<()> {
        if let Some((folder, _)) = Folder::place(&self.root, below)? {
            folder.sweep()?;
        }
        Folder::place(&self.root, "values/")?.map_or(Ok(()), |(values, _)| values.sweep_all())
    }

    /// Removes what runs write beside the committed files: variants with these figures, images, pages, drafts. What it cannot
    /// tell by name, place and content to be such a file stays; in the folder of a variant it is named.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn clean(&self, figures: &[&str], cleaned: &mut Cleaned) -> Result<()> {
        let Some(root) = Folder::root(&self.root)? else { return Ok(()) };
        clean(&root, figures, "committed", cleaned)?;
        if let Some(variants) = root.sub("variants").ok().flatten() {
            for (name, folder) in variants.folders()? {
                clean(&folder, figures, "variant", cleaned)?;
                variants.remove_if_empty(&name)?;
            }
            root.remove_if_empty("variants")?;
        }
        Ok(())
    }

    /// The lock; empty where there is none.
    ///
    /// # Errors
    /// A file that cannot be read or is no lock.
    pub fn lock(&self) -> Result<LockFile> {
        let path = self.root.join(LOCK);
        let refused =
            |problem| Error::damaged(&path, format!("{problem}; restore the committed file or delete it"));
        let Some(root) = Folder::root(&self.root)? else { return Ok(lockfile::empty()) };
        match (root.entry(LOCK)?, root.read(LOCK, MOST_BYTES)?) {
            (None, _) => Ok(lockfile::empty()),
            (_, Some(bytes)) => lockfile::parse(&bytes).map_err(refused),
            (Some(_), None) => Err(refused("is no regular file".to_owned())),
        }
    }

    /// The editions of the declarations of claims; none where there is no file.
    ///
    /// # Errors
    /// A file that cannot be read or is no list of editions.
    pub fn editions(&self) -> Result<Editions> {
        let Some(bytes) = self.read(editions::FILE)? else { return Ok(Editions::default()) };
        Editions::parse(&bytes).map_err(|problem| Error::damaged(self.root.join(editions::FILE), problem))
    }

    /// The folder that figures under these settings go to: this folder if they are the committed ones, otherwise a variant.
    #[must_use]
    pub fn folder(&self, settings: &Settings) -> PathBuf {
        // Without the slash at its end.
        self.root.join(Self::below(settings)).components().collect()
    }

    /// The same below this folder: nothing, or a path that ends with a slash.
    #[must_use]
    pub(crate) fn below(settings: &Settings) -> String {
        if Self::commits(settings) { String::new() } else { format!("variants/{}/", variant(settings)) }
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
        entry.figures.iter().all(|(file, digest)| self.is(file, digest))
    }

    /// What a lock names beyond stages: tables over all of them and files for LaTeX, each with what is wrong with it.
    pub(crate) fn summaries(&self, lock: &LockFile) -> BTreeMap<String, Option<&'static str>> {
        if lock.stages.is_empty() {
            return BTreeMap::new();
        }
        let other = "the file is not the one that figures.lock names";
        let named = lock.summaries.iter().map(|(name, digest)| {
            (name.clone(), (!self.is(&lockfile::summary_file(name), digest)).then_some(other))
        });
        let mut all: BTreeMap<String, Option<&'static str>> = named.collect();
        for (file, bytes) in latex::files(lock, |caption| self.read(caption).ok().flatten()) {
            let wrong = match lock.summaries.get(file) {
                None => "figures.lock does not have it; `run` writes it",
                Some(digest) if *digest != sha256(&bytes) => {
                    "it is not what claims, parameters and captions give; `run` writes it"
                }
                Some(_) => continue,
            };
            all.insert(file.to_owned(), Some(wrong));
        }
        all
    }

    /// Whether the committed tables of a stage are there as the lock names them.
    pub(crate) fn has_tables(&self, stage: &str, profile: Profile, entry: &LockEntry) -> bool {
        entry.values.iter().all(|(table, digest)| self.table(stage, profile, table, digest).is_ok())
    }

    /// A committed table of a stage, if it has the values that the lock names.
    pub(crate) fn table(&self, stage: &str, profile: Profile, name: &str, digest: &str) -> Result<Table> {
        let file = lockfile::table_file(stage, profile.word(), name);
        let found = self
            .read(&file)
            .and_then(|bytes| bytes.map(|bytes| Table::from_parquet_bytes(name, &bytes)).transpose());
        let problem = match found {
            Ok(Some(table)) if table.values_digest()? == digest => match repeated(&table)? {
                None => return Ok(table),
                Some(row) => format!("has row {row} twice"),
            },
            Ok(Some(_)) => "does not hold the values that figures.lock names".to_owned(),
            Ok(None) => "is no regular file, or missing".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Error::damaged(
            self.root.join(file),
            format!("{problem}; restore the committed file, or `run {stage}`"),
        ))
    }

    /// Folder of the committed tables of a stage in a profile.
    #[must_use]
    pub fn tables(&self, stage: &str, profile: Profile) -> PathBuf {
        self.root.join(lockfile::table_folder(stage, profile.word()))
    }

    /// The committed tables of a stage, checked against the lock; none where there are none or the settings differ.
    ///
    /// # Errors
    /// A committed table that is not the one the lock names.
    pub fn results(&self, settings: &Settings, plan: &StagePlan) -> Result<Option<Results>> {
        let lock = self.lock()?;
        let entry = lock.entry(plan.stage.name, Profile::Paper).filter(|_| Self::commits(settings));
        entry.map(|entry| self.results_of(settings.profile, plan, entry)).transpose()
    }

    /// The tables of an entry of the lock.
    ///
    /// # Errors
    /// As for [`Figures::results`].
    pub(crate) fn results_of(
        &self,
        profile: Profile,
        plan: &StagePlan,
        entry: &LockEntry,
    ) -> Result<Results> {
        let mut tables = BTreeMap::new();
        for (table, digest) in &entry.values {
            tables.insert(table.clone(), self.table(plan.stage.name, profile, table, digest)?);
        }
        Ok(Results { profile, experiments: plan.experiments(), tables })
    }

    /// Claims of a stage, judged anew: from tables in the store if they are up to date, otherwise from the committed values,
    /// otherwise `not run`; each says with which overrides it was measured.
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
        let mut claims = if let Some(tables) = current {
            judge(plan.stage, &results(store, settings, plan, tables)?)?
        } else if let Some(results) = self.results(settings, plan)? {
            let judged = judge(plan.stage, &results)?.into_iter();
            judged.map(|claim| Claim { source: Source::Committed, ..claim }).collect()
        } else {
            let reason = format!("nothing was computed; `spectral-alignment run {}` does", plan.stage.name);
            plan.stage.claims.iter().map(|id| unknown(id, plan, &reason)).collect()
        };
        overrides::note_in(&mut claims, plan, settings);
        let editions = self.editions()?;
        for claim in &mut claims {
            for edition in editions.failed_before(&claim.id) {
                claim.note(&format!("failed in edition {edition}"));
            }
        }
        Ok(claims)
    }
}

/// How the files begin that are named alike everywhere.
const MARKS: [(&str, &str); 4] = [
    ("report.html", "<title>Spectral alignment of SGD: "),
    ("contact-sheet.html", "<title>Contact sheet</title>"),
    ("overrides.toml", "# What was changed; `--overrides` reads this file."),
    (style_file::FILE, style_file::MARK),
];

/// What a sweep writes.
const SWEEP: [&str; 4] = ["sweep.parquet", "sweep.svg", "sweep.pdf", "sweep.txt"];

/// Cleans one folder: the `committed` one, that of a `variant`, or that of images in either.
pub(crate) fn clean(folder: &Folder, figures: &[&str], kind: &str, cleaned: &mut Cleaned) -> Result<()> {
    for name in folder.list()? {
        let place = folder.entry(&name)?;
        if name == "png" && place == Some(Place::Folder) {
            if let Some(images) = folder.sub(&name)? {
                clean(&images, figures, "images", cleaned)?;
                folder.remove_if_empty(&name)?;
            }
            continue;
        }
        let figure = |formats: &[&str]| {
            name.rsplit_once('.')
                .is_some_and(|(name, format)| figures.contains(&name) && formats.contains(&format))
        };
        let marked = |mark: &str| -> Result<bool> {
            let bytes = folder.read(&name, MOST_BYTES)?.unwrap_or_default();
            Ok(String::from_utf8_lossy(bytes.get(..1000).unwrap_or(&bytes)).contains(mark))
        };
        let mark = MARKS.iter().find(|(marked, _)| *marked == name).filter(|_| kind != "images");
        match (place, mark) {
            (Some(Place::File(bytes)), mark)
                if is_draft(&name)
                    || kind == "variant" && figure(&["svg", "pdf", "txt"])
                    || kind == "variant" && SWEEP.contains(&name.as_str())
                    || kind == "images" && figure(&["png"])
                    || mark.map_or(Ok(false), |(_, mark)| marked(mark))? =>
            {
                folder.remove(&name)?;
                cleaned.files += 1;
                cleaned.bytes += bytes;
            }
            _ if kind != "committed" => cleaned.left.push(folder.join(&name)),
            _ => {}
        }
    }
    Ok(())
}

/// The statistic of a claim of which nothing was computed.
pub const NOT_COMPUTED: &str = "not computed";

/// A claim of which nothing was computed.
fn unknown(id: &'static str, plan: &StagePlan, reason: &str) -> Claim {
    let declared = declare(id, Kind::Bound).says(plan.stage.title).statistic(NOT_COMPUTED);
    Claim { stage: plan.stage.name.to_owned(), ..declared.at_most(0.0, chosen("")).not_run(reason) }
}
