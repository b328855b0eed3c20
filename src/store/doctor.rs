//! Checks every byte of the store.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::digest::{Key, sha256};
use crate::error::{Error, Result};
use crate::store::journal::{self, Entry, Event, Journal};
use crate::store::manifest::Manifest;
use crate::store::{Lock, MANIFEST, Store, Unit, disk};
use crate::table::Table;

/// Something wrong in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The unit's folder, or the file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Where it was set aside.
    pub set_aside: Option<PathBuf>,
    /// Whether it is right now, or will be once the next run has made anew what was set aside.
    pub healed: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path.display(), self.problem)?;
        self.set_aside.as_ref().map_or(Ok(()), |aside| write!(out, "; set aside as {}", aside.display()))
    }
}

/// What an examination of the store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Number of sound units.
    pub units: u64,
    /// Bytes of their tables and other files.
    pub bytes: u64,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl Store {
    /// The problems that [`Store::examine`] finds.
    ///
    /// # Errors
    /// A folder or file that cannot be read or moved.
    pub fn doctor(&self) -> Result<Vec<Problem>> {
        self.examine(&|| {}).map(|health| health.problems)
    }

    /// Checks every byte of every unit, the journal and the locks. What is damaged, or does not belong there, is set
    /// aside; different values under one key are only reported, because no store can tell which are right. `checked` is
    /// called after each unit.
    ///
    /// # Errors
    /// A folder or file that cannot be read or moved.
    pub fn examine(&self, checked: &dyn Fn()) -> Result<Health> {
        let mut health = Health::default();
        self.check_locks(&mut health)?;
        let units = self.root().join("units");
        for kind in disk::list(&units)? {
            if !units.join(&kind).is_dir() {
                health.problems.push(self.stranger(&units.join(&kind))?);
            }
            for shard in disk::list(&units.join(&kind))? {
                let folder = units.join(&kind).join(&shard);
                if !folder.is_dir() {
                    health.problems.push(self.stranger(&folder)?);
                }
                for name in disk::list(&folder)? {
                    match Key::parse(&name) {
                        Ok(key) if name.starts_with(&shard) => {
                            self.check(&kind, &key, &mut health)?;
                            checked();
                        }
                        _ => health.problems.push(self.stranger(&folder.join(name))?),
                    }
                }
            }
        }
        let temporary = self.root().join("temporary");
        for name in disk::list(&temporary)?.into_iter().filter(|name| !name.starts_with(disk::AREA)) {
            health.problems.push(self.stranger(&temporary.join(name))?);
        }
        self.check_findings(&mut health)?;
        self.compare_with_journal(&mut health)?;
        Ok(health)
    }

    fn check(&self, kind: &str, key: &Key, health: &mut Health) -> Result<()> {
        if let Some(bytes) = self.sound(kind, key)? {
            (health.units, health.bytes) = (health.units + 1, health.bytes + bytes);
            return Ok(());
        }
        let guard = self.guard()?;
        // Another process may have healed it meanwhile.
        let Some(problem) = self.flaw(kind, key)? else { return Ok(()) };
        let set_aside = self.set_aside(&guard, kind, key, &problem)?;
        health.problems.push(Problem { path: self.place(kind, key), problem, set_aside, healed: true });
        Ok(())
    }

    fn sound(&self, kind: &str, key: &Key) -> Result<Option<u64>> {
        Ok(if self.flaw(kind, key)?.is_none() { Some(disk::size(&self.place(kind, key))?) } else { None })
    }

    /// What is wrong with a unit, if anything: every byte is read.
    pub(crate) fn flaw(&self, kind: &str, key: &Key) -> Result<Option<String>> {
        match self.unit(kind, key)? {
            Unit::Absent => Ok(None),
            Unit::Damaged(problem) => Ok(Some(problem)),
            Unit::Present(manifest) => flaw_inside(&self.place(kind, key), &manifest),
        }
    }

    fn stranger(&self, path: &Path) -> Result<Problem> {
        let guard = self.guard()?;
        self.move_stranger(&guard, path, "does not belong into the store", "stranger")
    }

    fn move_stranger(&self, _guard: &Lock, path: &Path, problem: &str, label: &str) -> Result<Problem> {
        let set_aside = disk::move_aside(path, &self.root().join("damaged"), label)?;
        Ok(Problem { path: path.to_owned(), problem: problem.to_owned(), set_aside, healed: true })
    }

    /// Copies a file to the first free name among what was set aside.
    fn copy_aside(&self, path: &Path, label: &str) -> Result<PathBuf> {
        let damaged = self.root().join("damaged");
        let names = (0_u64..).map(|number| damaged.join(format!("{label}-{number}")));
        let copy = names.take_while(|name| fs::symlink_metadata(name).is_ok()).count();
        let copy = damaged.join(format!("{label}-{copy}"));
        fs::copy(path, &copy).map_err(Error::io("copy", path))?;
        Ok(copy)
    }

    /// Files of locks are empty. They are emptied where they are: whoever holds one must keep it.
    fn check_locks(&self, health: &mut Health) -> Result<()> {
        let claims = self.root().join("claims");
        let mut files: Vec<PathBuf> =
            disk::list(&claims)?.into_iter().map(|name| claims.join(name)).collect();
        files.extend(["guard", "lock"].map(|name| self.root().join(name)));
        for path in files {
            let size = disk::size(&path)?;
            if size > 0 && path.is_file() {
                let copy = self.copy_aside(&path, "lock")?;
                fs::OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(&path)
                    .map_err(Error::io("write", &path))?;
                let problem =
                    format!("is the file of a lock, which should be empty, with {size} bytes; emptied");
                health.problems.push(Problem { path, problem, set_aside: Some(copy), healed: true });
            }
        }
        Ok(())
    }

    /// Second values under the key of a unit. Those that are damaged are worth nothing; those that the unit has by now, since
    /// somebody deleted the first one and a run gave the second again, are settled.
    fn check_findings(&self, health: &mut Health) -> Result<()> {
        let findings = self.root().join("nondeterministic");
        for name in disk::list(&findings)? {
            let path = findings.join(&name);
            let bytes = disk::read(&path.join(MANIFEST))?.unwrap_or_default();
            let flaw = match Manifest::read_any(&bytes) {
                Ok(manifest) => flaw_inside(&path, &manifest)?.map_or(Ok(manifest), Err),
                Err(problem) => Err(problem),
            };
            let guard = self.guard()?;
            let found = match flaw {
                Ok(manifest) => self.settle(&guard, &path, &manifest)?,
                Err(problem) => self.move_stranger(&guard, &path, &problem, "nondeterministic")?,
            };
            health.problems.push(found);
        }
        Ok(())
    }

    /// What is to be said of a sound second value.
    fn settle(&self, guard: &Lock, path: &Path, second: &Manifest) -> Result<Problem> {
        let (kind, place) = (&second.kind, self.folder(second));
        let flaw = self.flaw(kind, &second.key)?;
        if let Some(problem) = &flaw {
            self.set_aside(guard, kind, &second.key, problem)?;
        }
        let what = format!("a second value of {kind} {}", second.name);
        let (problem, healed) = match self.unit(kind, &second.key)? {
            Unit::Present(first) if first.same_values(second) => {
                disk::remove(path)?;
                (format!("{what}, which the unit in its place has by now: removed"), true)
            }
            Unit::Present(_) => {
                let rule = "when the cause is known, delete the wrong one";
                (
                    format!(
                        "{what}, different from the one in {}: not deterministic; {rule}",
                        place.display()
                    ),
                    false,
                )
            }
            Unit::Absent | Unit::Damaged(_) => {
                (format!("{what}, whose first one is gone: settled once a run gives this one again"), false)
            }
        };
        Ok(Problem { path: path.to_owned(), problem, set_aside: None, healed })
    }

    /// What the journal says against what is there: finds what is lost.
    fn compare_with_journal(&self, health: &mut Health) -> Result<()> {
        let guard = self.guard()?;
        let path = self.journal();
        let journal = Journal::read(&path)?.unwrap_or_default();
        if journal.damaged > 0 {
            let copy = self.copy_aside(&path, "journal")?;
            journal.replace(&path)?;
            let problem = format!("{} of its lines are damaged; made anew without them", journal.damaged);
            health.problems.push(Problem {
                path: path.clone(),
                problem,
                set_aside: Some(copy),
                healed: true,
            });
        }
        let found = self.adopt(&guard, &journal)?;
        if found > 0 {
            let problem = format!("{found} units in their places were not entered; entered now");
            health.problems.push(Problem { path: path.clone(), problem, set_aside: None, healed: true });
        }
        let there: BTreeSet<journal::Place> = self.places()?.into_iter().collect();
        let mut lost = Vec::new();
        for ((kind, key), entry) in journal.present() {
            let place = self.place(&kind, &key);
            if !there.contains(&(kind.clone(), key.clone())) {
                let Entry { time, run, name, .. } = entry;
                let problem = format!(
                    "{kind} {name}, published at {} by run {run}, is gone; the next run that needs it makes it again",
                    journal::written(*time)
                );
                health.problems.push(Problem { path: place, problem, set_aside: None, healed: true });
                lost.push(self.entry(Event::Lost, &kind, name, &key, ""));
            } else if let Unit::Present(manifest) = self.unit(&kind, &key)?
                && !entry.digest.is_empty()
                && entry.digest != manifest.digest
            {
                let problem = "is not what was published here according to the journal".to_owned();
                let set_aside = self.set_aside(&guard, &kind, &key, &problem)?;
                health.problems.push(Problem { path: place, problem, set_aside, healed: true });
            }
        }
        if lost.is_empty() { Ok(()) } else { journal::append(&path, &lost) }
    }
}

fn flaw_inside(folder: &Path, manifest: &Manifest) -> Result<Option<String>> {
    for (file, digest) in manifest.files() {
        match disk::read(&folder.join(file))? {
            None => return Ok(Some(format!("{file} is missing"))),
            Some(bytes) if sha256(&bytes) != *digest => {
                return Ok(Some(format!("{file} does not have the digest that its manifest states")));
            }
            Some(bytes) => {
                if let Some(entry) = manifest.tables.iter().find(|entry| entry.file == file) {
                    let table = match Table::from_parquet_bytes(&entry.table, &bytes) {
                        Ok(table) => table,
                        Err(error) => return Ok(Some(format!("{file}: {error}"))),
                    };
                    if table.values_digest()? != entry.values_sha256 || table.rows() as u64 != entry.rows {
                        return Ok(Some(format!("{file} does not hold the values that its manifest states")));
                    }
                }
            }
        }
    }
    let known = |name: &String| name == MANIFEST || manifest.files().any(|(file, _)| file == name);
    Ok(disk::list(folder)?
        .into_iter()
        .find(|name| !known(name))
        .map(|name| format!("{name} does not belong to it")))
}
