//! The cache of compiled libraries: a key of everything that the bytes depend on → the paths of a library and its header.
//!
//! ```text
//! ~/.cache/keopsc/
//!     locks/3f                      one of 256; held by whoever compiles a key that begins with 3f
//!     3fa0…c1/libgauss.so           an entry: a folder that appears by one rename, complete
//!            /gauss.h
//!            /record.json           sizes and checksums of the two; its time is the time of the last use
//!     notes/81…4b                   what tuning found for a plan on a processor
//! ```
//!
//! Invariants: a path that is returned names a complete library whose checksum was right. Many processes that ask for
//! one key compile it once. A cache that cannot be used costs time and a warning, never the result.

mod entry;
mod evict;
mod key;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use entry::{Artifacts, CachedLibrary};
use keopsc_diagnostics::Code;
pub use key::Key;

use crate::failure::{Failure, Problem};
use crate::output;

/// How large the cache may grow where `KEOPSC_CACHE_SIZE` says nothing.
pub const DEFAULT_SIZE: u64 = 1 << 30;

/// The folder of notes in that of the cache.
const NOTES: &str = "notes";

/// A folder of compiled libraries.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Where; `None` if the environment names no place.
    pub folder: Option<PathBuf>,
    /// How many bytes the entries may take.
    pub size: u64,
}

/// How a library was come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was in the cache.
    Found,
    /// It was compiled and is in the cache now.
    Compiled,
    /// It was compiled and put into a temporary folder, because the cache could not be written.
    CompiledOutside(Problem),
}

impl Cache {
    /// The cache of this user: `$KEOPSC_CACHE_DIR`, else `$XDG_CACHE_HOME/keopsc`, else `~/.cache/keopsc`.
    pub fn from_environment() -> Result<Cache, Problem> {
        let size = match std::env::var("KEOPSC_CACHE_SIZE") {
            Ok(text) if !text.is_empty() => parse_size(&text)?,
            _ => DEFAULT_SIZE,
        };
        Ok(Cache { folder: folder_from_environment(), size })
    }

    /// The library of that key if it is there, whole.
    pub fn find(&self, key: &Key) -> Option<CachedLibrary> {
        entry::read(&self.entry_folder(key)?)
    }

    /// The library of that key: from the cache, or compiled now and put there.
    pub fn find_or_compile(
        &self,
        key: &Key,
        compile: impl FnOnce() -> Result<Artifacts, Failure>,
    ) -> Result<(CachedLibrary, Origin), Failure> {
        if let Some(found) = self.find(key) {
            return Ok((found, Origin::Found));
        }
        // Without a lock (a folder that cannot be written, a file system without locks) the work may be done twice, but never wrongly.
        let _lock = self.lock(&key.text()[..2]).ok();
        if let Some(found) = self.find(key) {
            return Ok((found, Origin::Found));
        }
        let artifacts = compile()?;
        match self.store(key, &artifacts) {
            Ok(stored) => Ok((stored, Origin::Compiled)),
            Err(problem) => {
                let stored = store_outside(&artifacts).map_err(|outside| problem.clone().with_note(outside.message))?;
                Ok((stored, Origin::CompiledOutside(problem)))
            }
        }
    }

    /// The note that was written under that key, if it is there.
    pub fn recall(&self, key: &Key) -> Option<String> {
        std::fs::read_to_string(self.note(key)?).ok()
    }

    /// Writes a note, whole or not at all.
    pub fn remember(&self, key: &Key, text: &str) -> Result<(), Problem> {
        let note = self.note(key).ok_or_else(no_folder)?;
        note.parent()
            .map_or(Ok(()), create_private_folder)
            .and_then(|()| output::replace(&note, text.as_bytes()))
            .map_err(|error| Problem::file(Code::BadCache, "write", &note, &error))
    }

    /// Removes all entries, and all notes; gives how many entries there were.
    pub fn clear(&self) -> Result<usize, Problem> {
        match &self.folder {
            Some(folder) => evict::remove(&folder.join(NOTES))
                .and_then(|()| evict::remove_all(folder))
                .map_err(|error| Problem::file(Code::BadCache, "clear", folder, &error)),
            None => Ok(0),
        }
    }

    /// The number of entries and the bytes they take.
    pub fn usage(&self) -> (usize, u64) {
        let entries = self.folder.as_deref().map(evict::entries).unwrap_or_default();
        (entries.len(), entries.iter().map(|entry| entry.bytes).sum())
    }

    fn note(&self, key: &Key) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(NOTES).join(key.text()))
    }

    fn entry_folder(&self, key: &Key) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(key.text()))
    }

    fn lock(&self, name: &str) -> io::Result<File> {
        let folder = self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?.join("locks");
        create_private_folder(&folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(folder.join(name))?;
        file.lock()?;
        Ok(file)
    }

    fn store(&self, key: &Key, artifacts: &Artifacts) -> Result<CachedLibrary, Problem> {
        let folder = self.folder.as_ref().ok_or_else(no_folder)?;
        let place = folder.join(key.text());
        create_private_folder(folder)
            .and_then(|()| entry::write(folder, &place, artifacts))
            .map_err(|error| Problem::file(Code::BadCache, "write the cache entry", &place, &error))?;
        evict::keep_below(folder, self.size);
        entry::read(&place).ok_or_else(|| Problem::new(format!("the cache entry `{}` vanished", place.display())))
    }
}

fn folder_from_environment() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("KEOPSC_CACHE_DIR") {
        return std::path::absolute(folder).ok();
    }
    // The XDG specification says that relative paths are to be ignored.
    let base = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(base.join("keopsc"))
}

fn no_folder() -> Problem {
    Problem::new("there is no folder for the cache: neither KEOPSC_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set")
        .with_code(Code::BadCache)
}

/// Reads `512M`: a number of bytes, with `K`, `M` or `G` for powers of 1024.
fn parse_size(text: &str) -> Result<u64, Problem> {
    let (digits, shift) = match text.trim_end_matches(['B', 'b', 'i']) {
        text if text.ends_with(['K', 'k']) => (&text[..text.len() - 1], 10),
        text if text.ends_with(['M', 'm']) => (&text[..text.len() - 1], 20),
        text if text.ends_with(['G', 'g']) => (&text[..text.len() - 1], 30),
        text => (text, 0),
    };
    let number: Option<u64> = digits.trim().parse().ok();
    number.and_then(|number| number.checked_mul(1 << shift)).ok_or_else(|| {
        Problem::new(format!("KEOPSC_CACHE_SIZE is `{text}`, which is no size"))
            .with_code(Code::BadCache)
            .with_help("write a number of bytes, with K, M or G for powers of 1024: `512M`")
    })
}

/// Creates a folder that only this user can write, since what lies in it is executed.
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn store_outside(artifacts: &Artifacts) -> Result<CachedLibrary, Problem> {
    let cannot = |error: io::Error| Problem::file(Code::CannotWrite, "write below", &std::env::temp_dir(), &error);
    let folder = tempfile::Builder::new().prefix("keopsc-").tempdir().map_err(cannot)?;
    entry::write_files(folder.path(), artifacts).map_err(cannot)?;
    let folder = folder.keep();
    Ok(CachedLibrary { library: folder.join(&artifacts.library_name), header: folder.join(&artifacts.header_name) })
}

#[cfg(test)]
mod tests;
