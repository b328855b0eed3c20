//! Groups of records: list them, read one, append more.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::store::folder::{Entry as Place, Folder};
use crate::store::group::{Group, Records};
use crate::store::names::{check_name, draft, unique};
use crate::store::pack::{self, ENDING, Entry, INGREDIENTS, RUN, Raw, Record};
use crate::store::root::{Store, held};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Store {
    /// The folder with the packs of a group; nothing where there is none.
    pub(crate) fn group_folder(&self, group: &Group) -> Result<Option<Folder>> {
        check_name("experiment", &group.experiment)?;
        let Some(experiment) =
            self.folder("packs")?.map_or(Ok(None), |packs| packs.sub(&group.experiment))?
        else {
            return Ok(None);
        };
        experiment.sub(&group.folder())
    }

    /// What is there of a group; remembered until [`Store::forget`]. Damaged packs are mended if the store was opened to
    /// write, and count for nothing otherwise.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn records(&self, group: &Group) -> Result<Arc<Records>> {
        if let Some(known) = held(&self.packs).get(group.key.as_str()) {
            return Ok(Arc::clone(known));
        }
        let records = Arc::new(self.load(group)?);
        Ok(Arc::clone(held(&self.packs).entry(group.key.as_str().to_owned()).or_insert(records)))
    }

    /// Looks anew at a group when it is next asked for: another run may have added to it.
    pub fn forget(&self, group: &Group) {
        held(&self.packs).remove(group.key.as_str());
    }

    /// The same for what another machine may have added: a change of our own makes a network file system ask its server.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub fn look_anew(&self, group: &Group) -> Result<()> {
        check_name("experiment", &group.experiment)?;
        let folder = self.own("packs")?.make(&group.experiment)?.make(&group.folder())?;
        let draft = draft();
        drop(folder.create(&draft)?);
        folder.remove(&draft)?;
        self.forget(group);
        Ok(())
    }

    fn load(&self, group: &Group) -> Result<Records> {
        let mut records = Records::default();
        let Some(folder) = self.group_folder(group)? else { return Ok(records) };
        for name in packs_in(&folder)? {
            let (name, entries) = match pack::index(&folder, &name, group.key.as_str()) {
                // Another run has merged it meanwhile, or it is no file at all.
                Ok(None) => continue,
                Ok(Some(Ok(contents))) => (name, contents.entries),
                Ok(Some(Err(problem))) => match self.mend(group, &name, &problem)? {
                    Some(mended) => mended,
                    None => continue,
                },
                Err(error) if error.is_stale() => continue,
                Err(error) => {
                    self.unreadable(group, &folder, &name, &error)?;
                    continue;
                }
            };
            let name: Arc<str> = name.into();
            records.packs.push(Arc::clone(&name));
            for entry in entries {
                records.insert(&name, entry);
            }
        }
        Ok(records)
    }

    /// A pack that the disk does not give back is set aside by its name, which needs none of its bytes.
    pub(crate) fn unreadable(&self, group: &Group, folder: &Folder, name: &str, error: &Error) -> Result<()> {
        let problem = format!("cannot be read ({error}); what was in it is computed again");
        self.set_aside(folder, name, &group.label(), &problem)
    }

    /// The payload of a record, verified; nothing if it is not there, or was damaged: then its pack has been mended.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn read(&self, group: &Group, id: &str) -> Result<Option<Vec<u8>>> {
        // Another run may merge the packs meanwhile, and a mended pack is looked into once more.
        for _ in 0..3 {
            let records = self.records(group)?;
            let (Some((name, entry)), Some(folder)) = (records.entries.get(id), self.group_folder(group)?)
            else {
                return Ok(None);
            };
            match folder
                .open(name)
                .and_then(|file| file.map(|file| pack::payload(&file, &folder.join(name), entry)).transpose())
            {
                Ok(Some(Some(payload))) => return Ok(Some(payload)),
                // Merged by another run: the new pack has it.
                Ok(None) => {
                    self.forget(group);
                    continue;
                }
                Err(error) if error.is_stale() => {
                    self.forget(group);
                    continue;
                }
                Ok(Some(None)) => {
                    self.mend(group, name, &damaged(id))?;
                }
                Err(error) => self.unreadable(group, &folder, name, &error)?,
            }
            self.forget(group);
            if !self.access.heals() {
                break;
            }
        }
        Ok(None)
    }

    /// Puts the intact records of a damaged pack into a new one and sets the damaged one aside; name and index of the new
    /// pack, where it holds anything. A store that was opened to read, or for a slice, only says what is wrong.
    pub(crate) fn mend(
        &self,
        group: &Group,
        name: &str,
        problem: &str,
    ) -> Result<Option<(String, Vec<Entry>)>> {
        let Some(folder) = self.group_folder(group)? else { return Ok(None) };
        if !self.access.heals() {
            self.note(folder.join(name), format!("{problem}; the next run mends it"), None, true);
            return Ok(None);
        }
        let _guard = self.guard()?;
        let bytes = match folder.read(name, u64::MAX) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) => return self.unreadable(group, &folder, name, &error).map(|()| None),
        };
        let mut intact = pack::salvage(&bytes, Some(&group.key));
        if let Some(Ok(contents)) = pack::index(&folder, name, group.key.as_str())? {
            intact.extend(contents.entries.into_iter().filter_map(|entry| pack::indexed(&bytes, entry)));
        }
        drop(bytes);
        let any = intact.iter().any(|raw| raw.entry.is_result());
        let mended = if any { Some(self.place(group, &folder, intact)?) } else { None };
        if mended.as_ref().is_some_and(|(new, _)| new == name) {
            // The intact pack replaces the damaged one.
            self.note(
                folder.join(name),
                format!("{problem}; all of its results are intact, and it is mended"),
                None,
                true,
            );
        } else {
            let entries = mended.iter().flat_map(|(_, entries)| entries);
            let results = entries.filter(|entry| entry.is_result()).count();
            let problem = format!("{problem}; {results} of its results are intact and kept");
            self.set_aside(&folder, name, &group.label(), &problem)?;
        }
        Ok(mended)
    }

    /// Writes records as a pack into the folder of their group; its name and its index.
    pub(crate) fn place(
        &self,
        group: &Group,
        folder: &Folder,
        records: Vec<Raw>,
    ) -> Result<(String, Vec<Entry>)> {
        let all: BTreeMap<String, Raw> = records.into_iter().map(|raw| (raw.entry.id.clone(), raw)).collect();
        let records = all.into_values().map(|raw| Ok(Cow::Owned(raw)));
        self.write_pack(group, folder, records, |name| name)
    }

    /// The same for records that are read as they are written; `named` makes the name in the folder from that of a pack.
    pub(crate) fn write_pack<'a>(
        &self,
        group: &Group,
        folder: &Folder,
        records: impl Iterator<Item = Result<Cow<'a, Raw>>>,
        named: impl FnOnce(String) -> String,
    ) -> Result<(String, Vec<Entry>)> {
        let (temporary, draft) = (self.drafts()?, unique());
        let first = ingredients_record(group).map(Cow::Owned);
        let others = records.filter(|raw| !raw.as_ref().is_ok_and(|raw| raw.entry.id == INGREDIENTS));
        let moved = pack::write(&temporary, &draft, &group.key, std::iter::once(first).chain(others))
            .and_then(|(name, entries)| {
                let name = named(name);
                if matches!(folder.entry(&name)?, Some(Place::Folder | Place::Other)) {
                    self.set_aside(folder, &name, &group.label(), "is no file, in the place of a pack")?;
                }
                temporary.rename(&draft, folder, &name)?;
                folder.sync()?;
                Ok((name, entries))
            });
        if moved.is_err() {
            // If this fails too, the next run does it.
            let _ = temporary.remove(&draft);
        }
        moved
    }

    /// Adds records to a group, all or none. Records with the same values that are there already are kept.
    ///
    /// # Errors
    /// A store that cannot be written; a second, different value of a record: both are kept, and the error names them.
    pub fn append(&self, group: &Group, provenance: &[(String, String)], records: Vec<Record>) -> Result<()> {
        let text = serde_json::to_vec(provenance).map_err(|error| Error::defect("provenance", error))?;
        let run = format!("{RUN}{}", &sha256(&text)[..16]);
        let there = self.records(group)?;
        let (mut new, mut different) = (Vec::new(), Vec::new());
        for record in records {
            let raw = Raw::new(record, &run);
            match there.get(&raw.entry.id) {
                None => new.push(raw),
                Some(known) if known.values == raw.entry.values => {}
                Some(_) => different.push(raw),
            }
        }
        if !new.is_empty() {
            if there.get(&run).is_none() {
                new.push(Raw::new(Record { id: run.clone(), items: 0, seconds: 0.0, payload: text }, &run));
            }
            let packs = self.own("packs")?.make(&group.experiment)?;
            let folder = packs.make(&group.folder())?;
            let (name, entries) = self.place(group, &folder, new)?;
            let name: Arc<str> = name.into();
            // Where it was forgotten meanwhile, the next look at the group finds the new pack.
            if let Some(known) = held(&self.packs).get_mut(group.key.as_str()) {
                let known = Arc::make_mut(known);
                known.packs.push(Arc::clone(&name));
                for entry in entries {
                    known.insert(&name, entry);
                }
            }
        }
        if different.is_empty() { Ok(()) } else { Err(self.second_value(group, different)?) }
    }

    /// Keeps records that differ from those in the store, and gives the error that names both.
    pub(crate) fn second_value(&self, group: &Group, records: Vec<Raw>) -> Result<Error> {
        let ids: Vec<String> = records.iter().map(|raw| raw.entry.id.clone()).collect();
        let apart = self.own("nondeterministic")?;
        let records = records.into_iter().map(|raw| Ok(Cow::Owned(raw)));
        let (name, _) =
            self.write_pack(group, &apart, records, |name| format!("{}-{name}", group.label()))?;
        let first = self.own("packs")?.join(&group.experiment).join(group.folder());
        let what = format!("{} of {}: {}", group.ingredients.kind(), group.experiment, ids.join("; "));
        Ok(Error::Nondeterministic { what, first, second: apart.join(&name) })
    }

    /// The provenance of a record: by which program and on which machine it was made.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn provenance(&self, group: &Group, entry: &Entry) -> Result<Vec<(String, String)>> {
        let text = self.read(group, &entry.run)?.unwrap_or_default();
        Ok(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// All groups, of any program, that can be told by their packs.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn groups(&self) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        let Some(packs) = self.folder("packs")? else { return Ok(groups) };
        for (experiment, folder) in packs.folders()? {
            for (name, inner) in folder.folders()? {
                groups.extend(group_in(&experiment, &name, &inner)?);
            }
        }
        Ok(groups)
    }
}

/// The group whose packs are in a folder, by the ingredients that the packs state.
pub(crate) fn group_in(experiment: &str, name: &str, folder: &Folder) -> Result<Option<Group>> {
    for pack in packs_in(folder)? {
        // In the first record; in the index, where that is damaged; else in whatever can be salvaged.
        let first =
            folder.open(&pack).ok().flatten().and_then(|file| pack::first(&file)).map(|raw| raw.payload);
        let index = || pack::index(folder, &pack, "").ok()??.ok().map(|contents| contents.ingredients);
        let salvaged = || {
            let intact = pack::salvage(&folder.read(&pack, u64::MAX).ok()??, None);
            intact.into_iter().find(|raw| raw.entry.id == INGREDIENTS).map(|raw| raw.payload)
        };
        let text = first.or_else(index).or_else(salvaged);
        let ingredients = text.and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(group) = ingredients.map(|found| Group::new(experiment, found))
            && group.folder() == name
        {
            return Ok(Some(group));
        }
    }
    Ok(None)
}

/// What is wrong with a record whose payload is not what was written.
pub(crate) fn damaged(id: &str) -> String {
    format!("the record {id} does not have the digest that its index states")
}

pub(crate) fn packs_in(folder: &Folder) -> Result<Vec<String>> {
    Ok(folder.list()?.into_iter().filter(|name| name.ends_with(ENDING)).collect())
}

fn ingredients_record(group: &Group) -> Result<Raw> {
    let payload =
        serde_json::to_vec(&group.ingredients).map_err(|error| Error::defect("ingredients", error))?;
    Ok(Raw::new(Record { id: INGREDIENTS.to_owned(), items: 0, seconds: 0.0, payload }, ""))
}
