//! Folders below those that the user names, by descriptor: no name is followed out of them, and no link among our own names
//! is followed at all.

use crate::error::{Error, Result};
use crate::store::fault;
use crate::store::names::{draft, is_draft};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An open folder and the path that messages name it by.
#[derive(Debug)]
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File(u64),
    Folder,
    /// A link, a pipe, a device: nothing that the store makes.
    Other,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);

impl Folder {
    /// Opens a folder that the user named; nothing where there is none. The path to it may lead over links.
    pub(crate) fn root(path: &Path) -> Result<Option<Self>> {
        match rustix::fs::open(path, FOLDER, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path: path.to_owned() })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(io_error("open", path, errno)),
        }
    }

    /// Opens a folder that the user named, and makes it if need be.
    pub(crate) fn make_root(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(Error::io("create", path))?;
        Self::root(path)?.ok_or_else(|| io_error("open", path, Errno::NOENT))
    }

    /// Keeps everybody else who asks for the same away until what is returned is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let folder = self.again()?;
        folder.lock().map_err(Error::io("lock", &self.path))?;
        Ok(folder)
    }

    /// The same, unless somebody has it.
    pub(crate) fn try_lock(&self) -> Result<Option<File>> {
        let folder = self.again()?;
        Ok(folder.try_lock().is_ok().then_some(folder))
    }

    /// The folder opened once more: locks belong to what was opened, not to the folder.
    fn again(&self) -> Result<File> {
        let again = rustix::fs::openat(&self.fd, ".", FOLDER, Mode::empty());
        again.map(File::from).map_err(|errno| io_error("open", &self.path, errno))
    }

    /// The path that it was opened by.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of something in it, for messages.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn failed(&self, action: &'static str, name: &str) -> impl FnOnce(Errno) -> Error {
        let path = self.join(name);
        move |errno| io_error(action, &path, errno)
    }

    /// A folder in it; nothing where there is none.
    ///
    /// # Errors
    /// A link or a file in its place.
    pub(crate) fn sub(&self, name: &str) -> Result<Option<Self>> {
        match rustix::fs::openat(&self.fd, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, path: self.join(name) })),
            // A network file system says of what another machine has removed that it is stale.
            Err(Errno::NOENT | Errno::STALE) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                let problem = "is a link or a file in the place of a folder of this program; nothing behind it is touched; remove it";
                Err(Error::damaged(self.join(name), problem))
            }
            Err(errno) => Err(self.failed("open", name)(errno)),
        }
    }

    /// A folder in this one, created if it does not exist.
    pub(crate) fn make(&self, name: &str) -> Result<Self> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.failed("create", name)(errno)),
        }
        self.sub(name)?.ok_or_else(|| self.failed("open", name)(Errno::NOENT))
    }

    /// What a name stands for; nothing where there is nothing.
    pub(crate) fn entry(&self, name: &str) -> Result<Option<Entry>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(match FileType::from_raw_mode(found.st_mode) {
                FileType::RegularFile => Entry::File(u64::try_from(found.st_size).unwrap_or(0)),
                FileType::Directory => Entry::Folder,
                _ => Entry::Other,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed("read", name)(errno)),
        }
    }

    /// Names in it, sorted.
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let failed = |errno| io_error("read", &self.path, errno);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy();
            if name != "." && name != ".." {
                names.push(name.into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Folders in it with their names, sorted; what is no folder is passed over.
    pub(crate) fn folders(&self) -> Result<Vec<(String, Self)>> {
        let mut folders = Vec::new();
        for name in self.list()? {
            if self.entry(&name)? == Some(Entry::Folder)
                && let Some(folder) = self.sub(&name)?
            {
                folders.push((name, folder));
            }
        }
        Ok(folders)
    }

    /// A regular file in it; nothing where there is nothing, or something else.
    pub(crate) fn open(&self, name: &str) -> Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => {
                let file = File::from(fd);
                let regular = file.metadata().map_err(Error::io("read", self.join(name)))?.is_file();
                Ok(regular.then_some(file))
            }
            Err(Errno::NOENT | Errno::STALE | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => Ok(None),
            Err(errno) => Err(self.failed("open", name)(errno)),
        }
    }

    /// The file of a lock, made with `content` if need be.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o666));
        let file = File::from(fd.map_err(self.failed("open", name))?);
        if file.metadata().map_err(Error::io("read", self.join(name)))?.is_file() {
            return Ok(file);
        }
        Err(Error::damaged(self.join(name), "is no file, where the store has one for a lock; remove it"))
    }

    /// The bytes of a regular file of at most `limit` bytes; nothing where there is none.
    ///
    /// # Errors
    /// A longer file: it is not read.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.open(name)? else { return Ok(None) };
        whole(file, &self.join(name), limit).map(Some)
    }

    /// Gives a file that other names stand for too, as in a copy made of links, an inode of its own.
    pub(crate) fn detach(&self, name: &str) -> Result<()> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found)
                if found.st_nlink > 1 && FileType::from_raw_mode(found.st_mode) == FileType::RegularFile =>
            {
                let draft = draft();
                self.write_new(&draft, &self.read(name, 1 << 12)?.unwrap_or_default())?;
                self.rename(&draft, self, name)
            }
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("read", name)(errno)),
        }
    }

    /// A new file in it.
    pub(crate) fn create(&self, name: &str) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o666));
        fd.map(File::from).map_err(self.failed("create", name))
    }

    /// Writes a new file and waits until the disk has it.
    pub(crate) fn write_new(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.create(name)?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first)
            .and_then(|()| fault::point("write"))
            .and_then(|()| file.write_all(second))
            .and_then(|()| fault::point("flush"))
            .and_then(|()| file.sync_all())
            .map_err(Error::io("write", self.join(name)))
    }

    /// Replaces a file in one step, unless it holds these bytes already; whether it did.
    ///
    /// # Errors
    /// Something else than a regular file in its place; a file that cannot be written.
    pub(crate) fn update(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        match self.entry(name)? {
            Some(Entry::File(_))
                if self.read(name, bytes.len() as u64).is_ok_and(|old| old.as_deref() == Some(bytes)) =>
            {
                return Ok(false);
            }
            None | Some(Entry::File(_)) => {}
            Some(_) => {
                let problem =
                    "is no regular file, in the place of one of this program; it is not touched; remove it";
                return Err(Error::damaged(self.join(name), problem));
            }
        }
        let draft = draft();
        let written = self
            .write_new(&draft, bytes)
            .and_then(|()| fault::point("update").map_err(Error::io("write", self.join(name))))
            .and_then(|()| self.rename(&draft, self, name))
            .and_then(|()| self.sync());
        if written.is_err() {
            // If this fails too, the next run does it.
            let _ = self.remove(&draft);
        }
        written.map(|()| true)
    }

    /// Removes the drafts of killed runs from it.
    pub(crate) fn sweep(&self) -> Result<()> {
        for name in self.list()? {
            if is_draft(&name) && matches!(self.entry(&name)?, Some(Entry::File(_))) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// The same for all folders below.
    pub(crate) fn sweep_all(&self) -> Result<()> {
        self.sweep()?;
        self.folders()?.iter().try_for_each(|(_, inner)| inner.sweep_all())
    }

    /// The folder of a file below one that the user named, over no link, and the file's name in it; nothing where there is none.
    pub(crate) fn place<'a>(root: &Path, file: &'a str) -> Result<Option<(Self, &'a str)>> {
        let Some(mut folder) = Self::root(root)? else { return Ok(None) };
        let mut rest = file;
        while let Some((name, below)) = rest.split_once('/') {
            let Some(inner) = folder.sub(name)? else { return Ok(None) };
            (folder, rest) = (inner, below);
        }
        Ok(Some((folder, rest)))
    }

    /// Replaces a file below a folder that the user named in one step, unless it holds these bytes already; whether it did. Folders are
    /// made where they are missing.
    pub(crate) fn update_below(root: &Path, file: &str, bytes: &[u8]) -> Result<bool> {
        let mut folder = Self::make_root(root)?;
        let mut rest = file;
        while let Some((name, below)) = rest.split_once('/') {
            (folder, rest) = (folder.make(name)?, below);
        }
        folder.update(rest, bytes)
    }

    /// Removes a file below a folder that the user named, and the folders that are empty then.
    pub(crate) fn remove_below(root: &Path, file: &str) -> Result<()> {
        let mut rest = file;
        while let Some((folder, name)) = Self::place(root, rest)? {
            if rest == file {
                folder.remove(name)?;
            } else {
                folder.remove_if_empty(name)?;
            }
            let Some((above, _)) = rest.rsplit_once('/') else { break };
            rest = above;
        }
        Ok(())
    }

    /// Moves something into another folder, over a file of that name.
    pub(crate) fn rename(&self, name: &str, to: &Self, new: &str) -> Result<()> {
        fault::point("move").map_err(Error::io("move", self.join(name)))?;
        rustix::fs::renameat(&self.fd, name, &to.fd, new).map_err(self.failed("move", name))
    }

    /// Moves something to the first free name `<label>-<n>` of another folder; nothing where it is gone.
    pub(crate) fn move_aside(&self, name: &str, into: &Self, label: &str) -> Result<Option<PathBuf>> {
        fault::point("aside").map_err(Error::io("move", self.join(name)))?;
        let mut number = 0_u64;
        while into.entry(&format!("{label}-{number}"))?.is_some() {
            number += 1;
        }
        let new = format!("{label}-{number}");
        match rustix::fs::renameat(&self.fd, name, &into.fd, &new) {
            Ok(()) => {
                into.sync()?;
                Ok(Some(into.join(&new)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.failed("move", name)(errno)),
        }
    }

    /// Removes what has such a name and nobody has changed for so long.
    pub(crate) fn remove_older(&self, age: Duration, named: impl Fn(&str) -> bool) -> Result<()> {
        for name in self.list()?.into_iter().filter(|name| named(name)) {
            let changed = match rustix::fs::statat(&self.fd, &*name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(found) => u64::try_from(found.st_mtime).unwrap_or(0),
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(self.failed("read", &name)(errno)),
            };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
            if now.saturating_sub(changed) > age.as_secs() {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes a file, a link, or a folder with everything in it; what is gone already is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let flags = match self.entry(name)? {
            None => return Ok(()),
            Some(Entry::Folder) => {
                if let Some(folder) = self.sub(name)? {
                    for inner in folder.list()? {
                        folder.remove(&inner)?;
                    }
                }
                AtFlags::REMOVEDIR
            }
            Some(_) => AtFlags::empty(),
        };
        match rustix::fs::unlinkat(&self.fd, name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.failed("remove", name)(errno)),
        }
    }

    /// Removes a folder in it if that is empty.
    pub(crate) fn remove_if_empty(&self, name: &str) -> Result<()> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(errno) => Err(self.failed("remove", name)(errno)),
        }
    }

    /// Bytes of a file, or of all files below a folder.
    pub(crate) fn size(&self, name: &str) -> Result<u64> {
        Ok(match self.entry(name)? {
            Some(Entry::File(bytes)) => bytes,
            Some(Entry::Folder) => match self.sub(name)? {
                Some(folder) => folder.list()?.iter().map(|inner| folder.size(inner)).sum::<Result<u64>>()?,
                None => 0,
            },
            _ => 0,
        })
    }

    /// Waits until the names in it are on the disk.
    pub(crate) fn sync(&self) -> Result<()> {
        let flushed = fault::point("flush").map_err(Error::io("flush", &self.path));
        flushed
            .and_then(|()| rustix::fs::fsync(&self.fd).map_err(|errno| io_error("flush", &self.path, errno)))
    }
}

/// The bytes of a regular file that the user named, of at most `limit` bytes; of nothing else a byte is read.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| io_error("read", path, errno))?;
    let file = File::from(fd);
    if !file.metadata().map_err(Error::io("read", path))?.is_file() {
        return Err(Error::damaged(path, "is no regular file; it was not read"));
    }
    whole(file, path, limit)
}

fn whole(file: File, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    if length > limit {
        let problem = format!("has {length} bytes, where at most {limit} are possible; it was not read");
        return Err(Error::damaged(path, problem));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(bytes)
}

fn io_error(action: &'static str, path: &Path, errno: Errno) -> Error {
    Error::io(action, path)(io::Error::from(errno))
}

/// Zeros to read into; nothing where there is no memory for so many.
pub(crate) fn reserve(bytes: u64) -> Option<Vec<u8>> {
    let bytes = usize::try_from(bytes).ok()?;
    let mut all = Vec::new();
    all.try_reserve_exact(bytes).ok()?;
    all.resize(bytes, 0);
    Some(all)
}
