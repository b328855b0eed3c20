//! The container of simulated data: all records of one group, one after the other, with an index at the end.
//!
//! A record has an id that is unique in its group, a payload, and a head: the key of its group, the id, the SHA-256 of the
//! payload, and what it took to make it. So a record can be believed, and put back into a new pack, even where everything
//! around it is lost.
//!
//! ```text
//! pack    MAGIC, records, index, offset and length of the index (u64), its SHA-256, MAGIC
//! record  MARK, length of the head (u32), length of the payload (u64), head, payload, SHA-256 of lengths and head
//! ```
//!
//! Integers are little-endian; head and index are written by `postcard`. The file is named by the first digits of the
//! SHA-256 of its index, and never changes. It is no Parquet file, because then a reader would have to trust a decoder with
//! bytes that nobody has verified; here one read of a known range gives the payload, whose digest is compared before
//! anything is decoded, and packs are merged by copying bytes. Float64 of trajectories do not compress.

use crate::digest::{Key, hex, sha256};
use crate::error::{Error, Result};
use crate::store::fault;
use crate::store::folder::{Folder, reserve};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: [u8; 16] = *b"spectral pack 1\n";
const MARK: [u8; 8] = *b"\nrecord\n";
const LENGTHS: usize = 12;
const FOOT: usize = 8 + 8 + 32 + 16;
/// Most bytes that an index can have; a hundred thousand records take some twenty million.
const INDEX_LIMIT: u64 = 1 << 28;

/// Id of the record with the ingredients of its group, which every pack has.
pub(crate) const INGREDIENTS: &str = "ingredients";
/// Beginning of the ids of records with the provenance of others.
pub(crate) const RUN: &str = "run ";
/// Ending of the names of packs.
pub(crate) const ENDING: &str = ".pack";

/// One result of a simulation on its way into the store.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it is, unique in its group.
    pub id: String,
    /// How many things it holds: checkpoints of a trajectory.
    pub items: u64,
    /// Seconds that it took on one thread.
    pub seconds: f64,
    /// Its values.
    pub payload: Vec<u8>,
}

/// What is known of a record without reading it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is, unique in its group.
    pub id: String,
    /// How many things it holds.
    pub items: u64,
    /// Seconds that it took on one thread.
    pub seconds: f64,
    /// SHA-256 of its payload.
    pub values: String,
    /// Id of the record that says by which program and on which machine it was made.
    pub run: String,
    /// Where its payload begins.
    pub(crate) offset: u64,
    /// Bytes of its payload.
    pub(crate) length: u64,
}

impl Entry {
    /// Whether it is a result, not what its pack says of itself or of who made it.
    pub(crate) fn is_result(&self) -> bool {
        self.id != INGREDIENTS && !self.id.starts_with(RUN)
    }
}

#[derive(Serialize, Deserialize)]
struct Head {
    group: Key,
    id: String,
    items: u64,
    seconds: f64,
    values: String,
    run: String,
}

#[derive(Serialize, Deserialize)]
struct Index {
    group: Key,
    /// Ingredients of the group, in JSON: a second copy of what the first record says.
    ingredients: Vec<u8>,
    entries: Vec<Entry>,
}

/// An index that was read: what the pack was made from, and its records.
pub(crate) struct Contents {
    pub(crate) ingredients: Vec<u8>,
    pub(crate) entries: Vec<Entry>,
}

/// A record as it stands in a pack, verified.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) entry: Entry,
    pub(crate) payload: Vec<u8>,
}

impl Raw {
    pub(crate) fn new(record: Record, run: &str) -> Self {
        let Record { id, items, seconds, payload } = record;
        let (values, length) = (sha256(&payload), payload.len() as u64);
        Self { entry: Entry { id, items, seconds, values, run: run.to_owned(), offset: 0, length }, payload }
    }
}

fn encoded<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|error| Error::defect("packs", error))
}

/// Writes a pack of these records into a folder, flushes it, and gives the name that it is to have, with its index.
pub(crate) fn write<'a>(
    folder: &Folder,
    name: &str,
    group: &Key,
    records: impl IntoIterator<Item = Result<std::borrow::Cow<'a, Raw>>>,
) -> Result<(String, Vec<Entry>)> {
    let path = folder.join(name);
    let mut out = BufWriter::with_capacity(1 << 20, folder.create(name)?);
    let mut at = MAGIC.len() as u64;
    let mut entries = Vec::new();
    let mut ingredients = Vec::new();
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(Error::io("write", &path));
    put(&MAGIC)?;
    for record in records {
        let record = record?;
        let Entry { id, items, seconds, values, run, .. } = record.entry.clone();
        let head = encoded(&Head {
            group: group.clone(),
            id: id.clone(),
            items,
            seconds,
            values: values.clone(),
            run: run.clone(),
        })?;
        let length = record.payload.len() as u64;
        let offset = at + (MARK.len() + LENGTHS + head.len()) as u64;
        let prefix = prefix(&head, length);
        put(&MARK)?;
        put(&prefix)?;
        put(&record.payload)?;
        put(&Sha256::digest(&prefix))?;
        at = offset + length + 32;
        if id == INGREDIENTS {
            ingredients.clone_from(&record.payload);
        }
        entries.push(Entry { id, items, seconds, values, run, offset, length });
    }
    let index = Index { group: group.clone(), ingredients, entries };
    let (index, entries) = (encoded(&index)?, index.entries);
    let digest = Sha256::digest(&index);
    fault::point("write").map_err(Error::io("write", &path))?;
    put(&index)?;
    put(&at.to_le_bytes())?;
    put(&(index.len() as u64).to_le_bytes())?;
    put(&digest)?;
    put(&MAGIC)?;
    let file = out.into_inner().map_err(|error| Error::io("write", &path)(error.into_error()))?;
    fault::point("flush").and_then(|()| file.sync_all()).map_err(Error::io("flush", &path))?;
    Ok((format!("{}{ENDING}", &hex(&digest)[..16]), entries))
}

/// Lengths and head of a record.
#[expect(clippy::cast_possible_truncation, reason = "heads have some hundred bytes")]
fn prefix(head: &[u8], payload: u64) -> Vec<u8> {
    [&(head.len() as u32).to_le_bytes()[..], &payload.to_le_bytes(), head].concat()
}

/// The index of a pack, whose group has this key or one that begins so; nothing where there is no such file, the problem in
/// words where it is not what was written.
pub(crate) fn index(
    folder: &Folder,
    name: &str,
    key: &str,
) -> Result<Option<std::result::Result<Contents, String>>> {
    let Some(file) = folder.open(name)? else { return Ok(None) };
    read_index(&file, &folder.join(name), name, key).map(Some)
}

fn read_index(
    file: &File,
    path: &Path,
    name: &str,
    key: &str,
) -> Result<std::result::Result<Contents, String>> {
    let read = |bytes: &mut [u8], at: u64| file.read_exact_at(bytes, at).map_err(Error::io("read", path));
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let mut foot = [0_u8; FOOT];
    let Some(foot_at) = length.checked_sub((FOOT + MAGIC.len()) as u64).map(|at| at + MAGIC.len() as u64)
    else {
        return Ok(Err("is too short for a pack".to_owned()));
    };
    read(&mut foot, foot_at)?;
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| foot[at + byte]));
    let (at, size) = (number(0), number(8));
    let mut start = [0_u8; MAGIC.len()];
    read(&mut start, 0)?;
    if start != MAGIC {
        return Ok(Err("does not begin as a pack does".to_owned()));
    }
    if foot[48..] != MAGIC || at.checked_add(size) != Some(foot_at) || size > INDEX_LIMIT {
        return Ok(Err("does not end as a pack does".to_owned()));
    }
    let Some(mut bytes) = reserve(size) else {
        return Ok(Err(format!("has an index of {size} bytes, for which there is no memory")));
    };
    read(&mut bytes, at)?;
    let digest = hex(&Sha256::digest(&bytes));
    if digest != hex(&foot[16..48]) || !name.starts_with(&digest[..16]) {
        return Ok(Err("does not have the index that its name and its end state".to_owned()));
    }
    Ok(match postcard::from_bytes::<Index>(&bytes) {
        Ok(Index { group, .. }) if !group.as_str().starts_with(key) => {
            Err(format!("belongs to another group, {group}"))
        }
        Ok(Index { ingredients, entries, .. }) => Ok(Contents { ingredients, entries }),
        Err(error) => Err(format!("has an index that cannot be read: {error}")),
    })
}

/// The payload of a record; nothing if it is not what was written.
pub(crate) fn payload(file: &File, path: &Path, entry: &Entry) -> Result<Option<Vec<u8>>> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    if entry.offset.checked_add(entry.length).is_none_or(|end| end > length) {
        return Ok(None);
    }
    let Some(mut bytes) = reserve(entry.length) else {
        return Err(Error::damaged(
            path,
            format!("has a record of {} bytes, for which there is no memory", entry.length),
        ));
    };
    file.read_exact_at(&mut bytes, entry.offset).map_err(Error::io("read", path))?;
    Ok((sha256(&bytes) == entry.values).then_some(bytes))
}

/// The first record of a pack, which states what the pack was made from; nothing if it is damaged.
pub(crate) fn first(file: &File) -> Option<Raw> {
    let length = file.metadata().ok()?.len().min(1 << 20);
    let mut bytes = reserve(length)?;
    file.read_exact_at(&mut bytes, 0).ok()?;
    record(&bytes, MAGIC.len() + MARK.len(), None).map(|(raw, _)| raw)
}

/// All intact records of a group, or of any, in these bytes, whatever is between them, in their order.
pub(crate) fn salvage(bytes: &[u8], group: Option<&Key>) -> Vec<Raw> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(mark) =
        bytes.get(at..).and_then(|rest| rest.windows(MARK.len()).position(|eight| eight == MARK))
    {
        let start = at + mark + MARK.len();
        match record(bytes, start, group) {
            Some((raw, end)) => {
                found.push(raw);
                at = end;
            }
            None => at = start,
        }
    }
    found
}

/// A record where an intact index says that it is.
pub(crate) fn indexed(bytes: &[u8], entry: Entry) -> Option<Raw> {
    let offset = usize::try_from(entry.offset).ok()?;
    let payload = bytes.get(offset..offset.checked_add(usize::try_from(entry.length).ok()?)?)?;
    (sha256(payload) == entry.values).then(|| Raw { payload: payload.to_vec(), entry })
}

/// The record whose lengths stand at `start`, and where it ends.
fn record(bytes: &[u8], start: usize, group: Option<&Key>) -> Option<(Raw, usize)> {
    let lengths = bytes.get(start..start + LENGTHS)?;
    let head_length = u32::from_le_bytes(lengths[..4].try_into().ok()?) as usize;
    let length = u64::from_le_bytes(lengths[4..].try_into().ok()?);
    let offset = start.checked_add(LENGTHS)?.checked_add(head_length)?;
    let end = offset.checked_add(usize::try_from(length).ok()?)?;
    let (prefix, payload) = (bytes.get(start..offset)?, bytes.get(offset..end)?);
    let stated = bytes.get(end..end.checked_add(32)?)?;
    if Sha256::digest(prefix)[..] != *stated {
        return None;
    }
    let Head { group: of, id, items, seconds, values, run } =
        postcard::from_bytes(&prefix[LENGTHS..]).ok()?;
    if group.is_some_and(|group| of != *group) || sha256(payload) != values {
        return None;
    }
    let entry = Entry { id, items, seconds, values, run, offset: offset as u64, length };
    Some((Raw { entry, payload: payload.to_vec() }, end + 32))
}
