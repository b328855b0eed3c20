//! One pack out of many, at the end of a run.

use crate::error::{Error, Result};
use crate::store::group::Group;
use crate::store::manifest::kernel;
use crate::store::pack::{self, Entry, Raw};
use crate::store::packs::damaged as damaged_record;
use crate::store::root::Store;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

/// Whether two payloads hold the same numbers but for rounding.
pub type Rounded = dyn Fn(&[u8], &[u8]) -> bool;

impl Store {
    /// Merges the packs of a group into one. A kill in between leaves some records twice, which harms nobody; the next run
    /// merges again.
    ///
    /// # Errors
    /// A store that cannot be written; two values of one record, added by two runs at the same time: both are kept. If they were
    /// computed on different BLAS kernels and `rounded` finds them the same but for rounding, the first is kept.
    pub fn merge(&self, group: &Group, rounded: &Rounded) -> Result<()> {
        if self.records(group)?.packs.len() > 1 { self.rewrite(group, &|_| true, rounded) } else { Ok(()) }
    }

    /// Whether a second value of a record is one that another BLAS kernel rounds differently.
    fn is_rounded(&self, group: &Group, second: &Raw, rounded: &Rounded) -> Result<bool> {
        let records = self.records(group)?;
        let Some(first) = records.get(&second.entry.id) else { return Ok(false) };
        let made = [self.provenance(group, first)?, self.provenance(group, &second.entry)?];
        if kernel(&made[0]).is_none() || kernel(&made[0]) == kernel(&made[1]) {
            return Ok(false);
        }
        Ok(self.read(group, &first.id)?.is_some_and(|payload| rounded(&payload, &second.payload)))
    }

    /// Leaves in a group only these records, in one pack; no pack where there are none.
    pub(crate) fn rewrite(
        &self,
        group: &Group,
        keep: &dyn Fn(&Entry) -> bool,
        rounded: &Rounded,
    ) -> Result<()> {
        let _alone = self.wait_for_work(&format!("merge {}", group.label()))?;
        // Every round sets at least one damaged pack aside.
        for _ in 0..1000 {
            self.forget(group);
            let records = self.records(group)?;
            let Some(folder) = self.group_folder(group)? else { return Ok(()) };
            let mut files: HashMap<Arc<str>, File> = HashMap::new();
            let mut read = |name: &Arc<str>, entry: &Entry| -> Result<Option<Raw>> {
                if !files.contains_key(name) {
                    let Some(file) = folder.open(name)? else { return Ok(None) };
                    files.insert(Arc::clone(name), file);
                }
                let payload = pack::payload(&files[name], &folder.join(name), entry)?;
                Ok(payload.map(|payload| Raw { entry: entry.clone(), payload }))
            };
            let mut kept: Vec<&(Arc<str>, Entry)> =
                records.entries.values().filter(|(_, entry)| keep(entry)).collect();
            kept.sort_by(|a, b| a.1.id.cmp(&b.1.id));
            let mut damaged = None;
            let mut different = Vec::new();
            for (name, entry) in records.conflicts.iter().filter(|(_, entry)| keep(entry)) {
                match read(name, entry)? {
                    Some(raw) => different.push(raw),
                    None => damaged = Some((Arc::clone(name), entry.id.clone())),
                }
            }
            let mut merged = None;
            if damaged.is_none() && !kept.is_empty() {
                let raws = kept.iter().map(|(name, entry)| {
                    read(name, entry)?.map(Cow::Owned).ok_or_else(|| {
                        damaged = Some((Arc::clone(name), entry.id.clone()));
                        Error::Lost { what: folder.join(name).display().to_string() }
                    })
                });
                match self.write_pack(group, &folder, raws, |name| name) {
                    Ok((name, _)) => merged = Some(name),
                    Err(error) if damaged.is_none() => return Err(error),
                    Err(_) => {}
                }
            }
            if let Some((name, id)) = damaged {
                self.mend(group, &name, &damaged_record(&id))?;
                continue;
            }
            let mut apart = Vec::new();
            for raw in different {
                if !self.is_rounded(group, &raw, rounded)? {
                    apart.push(raw);
                }
            }
            let error = if apart.is_empty() { None } else { Some(self.second_value(group, apart)?) };
            for name in records.packs.iter().filter(|name| Some(&***name) != merged.as_deref()) {
                folder.remove(name)?;
            }
            folder.sync()?;
            self.forget(group);
            return error.map_or(Ok(()), Err);
        }
        Err(Error::damaged(self.root(), "is damaged faster than it is mended"))
    }
}
