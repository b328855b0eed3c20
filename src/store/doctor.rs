//! Reads every byte of the store.

use crate::digest::sha256;
use crate::error::Result;
use crate::store::folder::{Entry as Place, Folder};
use crate::store::format::FOLDERS;
use crate::store::group::Group;
use crate::store::manifest::Manifest;
use crate::store::names::is_draft;
use crate::store::pack::{self, INGREDIENTS, Raw};
use crate::store::packs::{group_in, packs_in};
use crate::store::root::Store;
use crate::store::stages::MANIFEST;

/// What an examination of the store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Number of intact results: records, tables and figures.
    pub results: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What the store has now of something that has a second value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    Same,
    Different,
    Gone,
}

/// Largest manifest of a second value that is read.
const LIMIT: u64 = 1 << 26;

impl Store {
    /// Number of folders that [`Store::examine`] reads.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn places(&self) -> Result<u64> {
        let mut count = 0;
        for wing in ["packs", "stages"] {
            let Some(folder) = self.folder(wing)? else { continue };
            for (_, inner) in folder.folders()? {
                count += inner.list()?.len() as u64;
            }
        }
        Ok(count)
    }

    /// Reads every byte of every pack and result. What is damaged is mended or set aside; what does not belong there is named
    /// and left alone; different values of one thing are only reported, because no store can tell which are right. `checked`
    /// is called after each group and each result; problems are for [`Store::take_problems`].
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn examine(&self, checked: &dyn Fn()) -> Result<Health> {
        let mut health = Health::default();
        self.check_names()?;
        for group in self.groups()? {
            let of_group = self.check_group(&group)?;
            health.results += of_group.results;
            health.bytes += of_group.bytes;
            checked();
        }
        for kind in ["tables", "figures"] {
            for manifest in self.results(kind)? {
                if self.is_intact(&manifest)? {
                    health.results += 1;
                    health.bytes += self.result_size(&manifest)?;
                }
                checked();
            }
        }
        self.check_second_values()?;
        Ok(health)
    }

    /// Compares every byte of a group's packs with what their indices state, and mends what is damaged; what is intact then.
    ///
    /// # Errors
    /// A store that cannot be read or written.
    pub fn check_group(&self, group: &Group) -> Result<Health> {
        // A mended pack is another one: looked through again, until all are intact.
        loop {
            self.forget(group);
            let records = self.records(group)?;
            let Some(folder) = self.group_folder(group)? else { return Ok(Health::default()) };
            let mut intact = true;
            for name in &records.packs {
                intact &= self.check_pack(group, &folder, name)?;
            }
            if intact || !self.access.heals() {
                let bytes = records.iter().map(|entry| entry.length).sum();
                return Ok(Health { results: records.iter().count() as u64, bytes });
            }
        }
    }

    /// Whether all records of a pack say of themselves what its index does; if not, it has been mended.
    fn check_pack(&self, group: &Group, folder: &Folder, name: &str) -> Result<bool> {
        let bytes = match folder.read(name, u64::MAX) {
            Ok(Some(bytes)) => bytes,
            // Merged by another run.
            Ok(None) => return Ok(false),
            Err(error) => {
                self.unreadable(group, folder, name, &error)?;
                return Ok(false);
            }
        };
        let index = match pack::index(folder, name, group.key().as_str()) {
            Ok(index) => index,
            Err(error) => return self.unreadable(group, folder, name, &error).map(|()| false),
        };
        let stated = index.and_then(std::result::Result::ok).map(|contents| contents.entries);
        let found: Vec<_> =
            pack::salvage(&bytes, Some(group.key())).into_iter().map(|raw| raw.entry).collect();
        if stated.as_ref() == Some(&found) {
            return Ok(true);
        }
        self.mend(group, name, "does not have the records that its index states")?;
        Ok(false)
    }

    /// Names that no program of this layout gives.
    fn check_names(&self) -> Result<()> {
        let Some(root) = &self.root else { return Ok(()) };
        let stranger = |folder: &Folder, name: &str| {
            self.note(folder.join(name), "does not belong into the store; left alone", None, true);
        };
        let known = |name: &&String| {
            FOLDERS.contains(&name.as_str())
                || ["format", "lock", "guard", "README.md", ".gitignore"].contains(&name.as_str())
                // Of a slice that was killed while it made the store.
                || is_draft(name)
        };
        root.list()?.iter().filter(|name| !known(name)).for_each(|name| stranger(root, name));
        for wing in ["packs", "stages"] {
            let Some(folder) = self.folder(wing)? else { continue };
            for name in folder.list()? {
                if folder.entry(&name)? != Some(Place::Folder) {
                    stranger(&folder, &name);
                    continue;
                }
                let Some(inner) = folder.sub(&name)? else { continue };
                for below in inner.list()? {
                    if inner.entry(&below)? != Some(Place::Folder) {
                        stranger(&inner, &below);
                    } else if wing == "packs" {
                        self.check_packs(&name, &inner, &below)?;
                    } else if !["tables-", "figures-"].iter().any(|kind| below.starts_with(kind)) {
                        stranger(&inner, &below);
                    }
                }
            }
        }
        Ok(())
    }

    fn check_packs(&self, experiment: &str, folder: &Folder, name: &str) -> Result<()> {
        let Some(inner) = folder.sub(name)? else { return Ok(()) };
        let packs = packs_in(&inner)?;
        if group_in(experiment, name, &inner)?.is_none() {
            for pack in &packs {
                let problem = "states nowhere what it was made from; a run that needs it mends it";
                self.note(inner.join(pack), problem, None, true);
            }
        }
        for other in inner.list()?.iter().filter(|name| !packs.contains(name) && !is_draft(name)) {
            self.note(inner.join(other), "does not belong into the store; left alone", None, true);
        }
        Ok(())
    }

    /// Second values. Those that are damaged are worth nothing; those that the store has by now, since somebody deleted the
    /// first and a run gave the second again, are settled.
    fn check_second_values(&self) -> Result<()> {
        let Some(folder) = self.folder("nondeterministic")? else { return Ok(()) };
        for name in folder.list()? {
            match self.second_of(&folder, &name)? {
                None => self.set_aside(
                    &folder,
                    &name,
                    "nondeterministic",
                    "is no second value of anything, or damaged",
                )?,
                Some((what, now)) => {
                    let (outcome, healed) = match now {
                        Now::Same => (", which the store has by now: removed", true),
                        Now::Different => {
                            (": not deterministic; when the cause is known, delete the wrong one", false)
                        }
                        Now::Gone => {
                            (", whose first one is gone: settled once a run gives this one again", false)
                        }
                    };
                    if now == Now::Same {
                        folder.remove(&name)?;
                    }
                    self.note(folder.join(&name), format!("a second value of {what}{outcome}"), None, healed);
                }
            }
        }
        Ok(())
    }

    /// Whether something that was kept apart still differs from what the store has.
    pub(crate) fn is_open_question(&self, folder: &Folder, name: &str) -> Result<bool> {
        Ok(self.second_of(folder, name)?.is_some_and(|(_, now)| now == Now::Different))
    }

    /// What a second value is of, and what the store has of it now; nothing where it cannot be read.
    fn second_of(&self, folder: &Folder, name: &str) -> Result<Option<(String, Now)>> {
        match folder.entry(name)? {
            Some(Place::Folder) => self.second_result(folder, name),
            Some(Place::File(_)) => self.second_records(folder, name),
            _ => Ok(None),
        }
    }

    fn second_records(&self, folder: &Folder, name: &str) -> Result<Option<(String, Now)>> {
        let Some(bytes) = folder.read(name, u64::MAX)? else { return Ok(None) };
        let raws = pack::salvage(&bytes, None);
        let ingredients = raws.iter().find(|raw| raw.entry.id == INGREDIENTS);
        let Some(ingredients) = ingredients.and_then(|raw| serde_json::from_slice(&raw.payload).ok()) else {
            return Ok(None);
        };
        // The label begins with the experiment and ends with kind, key and name of the pack.
        let group = Group::new("", ingredients);
        let Some((experiment, _)) = name.split_once(&format!("-{}", group.folder())) else { return Ok(None) };
        let group = Group::new(experiment, group.ingredients().clone());
        let results: Vec<&Raw> = raws.iter().filter(|raw| raw.entry.is_result()).collect();
        if results.is_empty() {
            return Ok(None);
        }
        let there = self.records(&group)?;
        let same: Vec<Option<bool>> = results
            .iter()
            .map(|raw| there.get(&raw.entry.id).map(|entry| entry.values == raw.entry.values))
            .collect();
        let now = match () {
            () if same.contains(&Some(false)) => Now::Different,
            () if same.contains(&None) => Now::Gone,
            () => Now::Same,
        };
        let ids: Vec<&str> = results.iter().map(|raw| raw.entry.id.as_str()).collect();
        Ok(Some((format!("{} of {experiment}: {}", group.ingredients().kind(), ids.join("; ")), now)))
    }

    fn second_result(&self, folder: &Folder, name: &str) -> Result<Option<(String, Now)>> {
        let Some(inner) = folder.sub(name)? else { return Ok(None) };
        let Some(Ok(second)) = inner.read(MANIFEST, LIMIT)?.map(|bytes| Manifest::parse(&bytes)) else {
            return Ok(None);
        };
        for (file, digest) in second.files() {
            if inner.read(file, u64::MAX)?.is_none_or(|bytes| sha256(&bytes) != *digest) {
                return Ok(None);
            }
        }
        let first = self.result(&second.name, &second.ingredients)?;
        let now = match first {
            None => Now::Gone,
            Some(first) if first.same_values(&second) => Now::Same,
            Some(_) => Now::Different,
        };
        Ok(Some((format!("{} of {}", second.kind, second.name), now)))
    }
}
