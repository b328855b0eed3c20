//! The journal: when, and by which run, each unit came and went. One line per event, each with its digest.
//!
//! A unit is in its place before its line says that it came, and its line says that it goes before it leaves its place.
//! So a unit without a line is one whose run was killed in between, and a line without its unit tells of a loss.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::digest::{Key, sha256};
use crate::error::{Error, Result};
use crate::store::elapsed::utc;
use crate::store::{disk, fail};

/// Digits of the digest in front of each line.
const DIGITS: usize = 16;

/// What happened to a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It was computed and got its place.
    Published,
    /// It was computed again, with the same values.
    Confirmed,
    /// It was computed again, with other values, which were kept beside.
    Different,
    /// It was found in its place without an entry.
    Found,
    /// It was damaged and set aside.
    SetAside,
    /// It was not in its place, although it should have been.
    Lost,
    /// No stage used it.
    Dropped,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When, in seconds since 1970.
    pub time: u64,
    /// The run: when it began, and the number of its process.
    pub run: String,
    /// What happened.
    pub event: Event,
    /// Kind of the unit.
    pub kind: String,
    /// Its name, where it is known.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// Digest of its manifest, where it is known.
    pub digest: String,
}

impl Entry {
    fn line(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|error| Error::damaged("journal", error))?;
        Ok(format!("{} {text}\n", digits(&text)))
    }

    fn parse(line: &str) -> Option<Self> {
        let (digest, text) = line.split_once(' ')?;
        if digits(text) == digest { serde_json::from_str(text).ok() } else { None }
    }
}

fn digits(text: &str) -> String {
    sha256(text.as_bytes()).get(..DIGITS).unwrap_or_default().to_owned()
}

/// Kind and key of a unit.
pub(crate) type Place = (String, Key);

/// A journal as read: what of it can be believed.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Its entries in their order.
    pub(crate) entries: Vec<Entry>,
    /// Number of lines that are damaged.
    pub(crate) damaged: usize,
}

impl Journal {
    /// The journal in `path`; nothing if there is none. The caller holds the store's guard.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let Some(bytes) = disk::read(path)? else { return Ok(None) };
        let mut journal = Self::default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let whole = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\n'));
            match whole.and_then(Entry::parse) {
                Some(entry) => journal.entries.push(entry),
                None => journal.damaged += 1,
            }
        }
        Ok(Some(journal))
    }

    /// The units that should be in their places, with the last entry on each.
    pub(crate) fn present(&self) -> BTreeMap<Place, &Entry> {
        let mut present = BTreeMap::new();
        for entry in &self.entries {
            let place = (entry.kind.clone(), entry.key.clone());
            match entry.event {
                Event::Published | Event::Confirmed | Event::Found => {
                    present.insert(place, entry);
                }
                Event::SetAside | Event::Lost | Event::Dropped => {
                    present.remove(&place);
                }
                Event::Different => {}
            }
        }
        present
    }

    /// Leaves the entries on these units only.
    pub(crate) fn keep(&mut self, units: &BTreeSet<Place>) {
        self.entries.retain(|entry| units.contains(&(entry.kind.clone(), entry.key.clone())));
    }

    /// Puts this journal in the place of the one in `path`. The caller holds the store's guard.
    pub(crate) fn replace(&self, path: &Path) -> Result<()> {
        let lines: String = self.entries.iter().map(Entry::line).collect::<Result<_>>()?;
        disk::replace(path, lines.as_bytes())
    }
}

/// Adds entries in one piece, after cutting off a line that a killed run left unfinished. The caller holds the store's
/// guard.
pub(crate) fn append(path: &Path, entries: &[Entry]) -> Result<()> {
    let lines: String = entries.iter().map(Entry::line).collect::<Result<_>>()?;
    let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
    let mut file = opened.map_err(Error::io("open", path))?;
    let end = cut(&mut file).map_err(Error::io("read", path))?;
    let (first, second) = lines.as_bytes().split_at(lines.len() / 2);
    // In two pieces only where a test wants to see one half.
    let written = if fail::planned() {
        file.write_all(first).and_then(|()| fail::point("journal")).and_then(|()| file.write_all(second))
    } else {
        file.write_all(lines.as_bytes())
    };
    written.map_err(|error| {
        // What is left of a line is cut off by whoever comes next, if not here.
        let _ = file.set_len(end);
        Error::io("write", path)(error)
    })
}

/// Cuts off an unfinished line at the end of the journal. The caller holds the store's guard.
pub(crate) fn cut_tail(path: &Path) -> Result<()> {
    match OpenOptions::new().read(true).append(true).open(path) {
        Ok(mut file) => cut(&mut file).map(|_| ()).map_err(Error::io("read", path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("open", path)(error)),
    }
}

fn cut(file: &mut std::fs::File) -> std::io::Result<u64> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if end > 0 {
        file.seek(SeekFrom::Start(end - 1))?;
        file.read_exact(&mut last)?;
    }
    if last == [b'\n'] {
        return Ok(end);
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
    file.set_len(whole)?;
    Ok(whole)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Seconds since 1970 as people write a time, in UTC.
pub(crate) fn written(seconds: u64) -> String {
    utc(UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH))
}
