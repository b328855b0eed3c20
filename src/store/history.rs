//! The journal of a store: kept in step with what is in the folder.

use std::fs;
use std::path::PathBuf;

use crate::digest::Key;
use crate::error::Result;
use crate::store::journal::{self, Entry, Event, Journal};
use crate::store::{Lock, Store, disk};

impl Store {
    /// Everything that the journal says.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub fn history(&self) -> Result<Vec<Entry>> {
        let _guard = self.guard()?;
        Ok(Journal::read(&self.journal())?.unwrap_or_default().entries)
    }

    pub(crate) fn entry(&self, event: Event, kind: &str, name: &str, key: &Key, digest: &str) -> Entry {
        Entry {
            time: journal::now(),
            run: self.run.clone(),
            event,
            kind: kind.to_owned(),
            name: name.to_owned(),
            key: key.clone(),
            digest: digest.to_owned(),
        }
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Cuts off an unfinished entry, and makes the journal anew if it is lost; after a killed run it may lack one entry.
    pub(crate) fn check_journal(&self, guard: &Lock, killed: bool) -> Result<()> {
        let path = self.journal();
        if path.is_dir() {
            let aside = disk::move_aside(&path, &self.root().join("damaged"), "journal")?;
            self.note(&path, "is a folder", aside);
        }
        journal::cut_tail(&path)?;
        let lost = fs::metadata(&path).map_or(0, |found| found.len()) == 0;
        if lost || killed {
            let found = self.adopt(guard, &Journal::read(&path)?.unwrap_or_default())?;
            if lost && found > 0 {
                self.note(&path, &format!("was lost; made anew from {found} units in their places"), None);
            }
        }
        Ok(())
    }

    /// Gives every unit in its place that the journal does not know an entry, and counts them.
    pub(crate) fn adopt(&self, _guard: &Lock, journal: &Journal) -> Result<usize> {
        let present = journal.present();
        let found: Vec<Entry> = self
            .places()?
            .into_iter()
            .filter(|place| !present.contains_key(place))
            .map(|(kind, key)| self.entry(Event::Found, &kind, "", &key, ""))
            .collect();
        if !found.is_empty() {
            journal::append(&self.journal(), &found)?;
        }
        Ok(found.len())
    }
}
