//! One entry: a folder with a library, its header and a record of their sizes and checksums.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

const RECORD: &str = "record.json";

/// A compiled library and its header, in memory.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// `libgauss.so`
    pub library_name: String,
    /// Its bytes.
    pub library: Vec<u8>,
    /// `gauss.h`
    pub header_name: String,
    /// Its text.
    pub header: String,
}

/// A compiled library and its header, on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedLibrary {
    /// The shared library.
    pub library: PathBuf,
    /// The C header.
    pub header: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    library: FileRecord,
    header: FileRecord,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct FileRecord {
    name: String,
    size: u64,
    blake3: String,
}

impl FileRecord {
    fn new(name: &str, bytes: &[u8]) -> FileRecord {
        FileRecord { name: name.to_owned(), size: bytes.len() as u64, blake3: blake3::hash(bytes).to_hex().to_string() }
    }

    fn describes(&self, folder: &Path) -> bool {
        // A name with a folder in it was not written by this program.
        let is_plain = Path::new(&self.name).components().count() == 1;
        let path = folder.join(&self.name);
        let has_size = std::fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() == self.size);
        is_plain && has_size && std::fs::read(&path).is_ok_and(|bytes| FileRecord::new(&self.name, &bytes) == *self)
    }
}

/// The entry in that folder if it is whole, marked as used now.
pub fn read(folder: &Path) -> Option<CachedLibrary> {
    let record_path = folder.join(RECORD);
    let record: Record = serde_json::from_slice(&std::fs::read(&record_path).ok()?).ok()?;
    if !record.library.describes(folder) || !record.header.describes(folder) {
        return None;
    }
    mark_as_used(&record_path);
    Some(CachedLibrary { library: folder.join(record.library.name), header: folder.join(record.header.name) })
}

/// Makes `place` an entry with these contents, in one step. `parent` is the folder that `place` is in.
pub fn write(parent: &Path, place: &Path, artifacts: &Artifacts) -> io::Result<()> {
    let folder = tempfile::Builder::new().prefix(super::evict::TEMPORARY).tempdir_in(parent)?;
    write_files(folder.path(), artifacts)?;
    let record = Record {
        library: FileRecord::new(&artifacts.library_name, &artifacts.library),
        header: FileRecord::new(&artifacts.header_name, artifacts.header.as_bytes()),
    };
    std::fs::write(folder.path().join(RECORD), serde_json::to_vec(&record)?)?;
    match std::fs::rename(folder.path(), place) {
        // Another process, which could not lock either, was faster; its entry is as good.
        Err(_) if read(place).is_some() => Ok(()),
        Err(_) => {
            super::evict::remove(place)?;
            std::fs::rename(folder.path(), place)
        }
        result => result,
    }
}

/// Writes the two files of an entry.
pub fn write_files(folder: &Path, artifacts: &Artifacts) -> io::Result<()> {
    std::fs::write(folder.join(&artifacts.library_name), &artifacts.library)?;
    std::fs::write(folder.join(&artifacts.header_name), &artifacts.header)
}

/// The time of the last use is only kept to the minute, so that frequent uses do not write.
fn mark_as_used(record: &Path) {
    let now = SystemTime::now();
    let last_use = std::fs::metadata(record).and_then(|found| found.modified()).unwrap_or(now);
    if now.duration_since(last_use).is_ok_and(|age| age > Duration::from_secs(60)) {
        // In a read-only cache nothing is evicted either.
        let _ = File::options().append(true).open(record).and_then(|file| file.set_modified(now));
    }
}
