//! Keeping the cache below its size: the entries that were not used for longest go first.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How the names of folders begin that are no entries yet, or no longer.
pub const TEMPORARY: &str = ".temporary-";

/// An entry that was used this recently is kept whatever the size: its path was just given to someone who is about to load it.
const GRACE: Duration = Duration::from_secs(300);

/// A temporary folder this old was left by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// An entry as eviction sees it.
pub struct Usage {
    /// Its folder.
    pub folder: PathBuf,
    /// What its files take.
    pub bytes: u64,
    /// When it was last used.
    pub last_use: SystemTime,
}

/// All entries of a cache.
pub fn entries(cache: &Path) -> Vec<Usage> {
    folders(cache).filter(|folder| is_entry(folder)).map(usage).collect()
}

/// Removes entries until the rest takes at most `size` bytes. What cannot be removed stays.
pub fn keep_below(cache: &Path, size: u64) {
    let now = SystemTime::now();
    remove_abandoned(cache, now);
    let mut entries = entries(cache);
    let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    entries.sort_by_key(|entry| entry.last_use);
    for entry in entries {
        if total <= size {
            return;
        }
        if age(now, entry.last_use) > GRACE && remove(&entry.folder).is_ok() {
            total -= entry.bytes;
        }
    }
}

/// Removes all entries; gives how many there were.
pub fn remove_all(cache: &Path) -> io::Result<usize> {
    let entries = entries(cache);
    for entry in &entries {
        remove(&entry.folder)?;
    }
    remove_abandoned(cache, SystemTime::now());
    Ok(entries.len())
}

/// Removes a folder if it is there. It vanishes in one step: nobody sees half of an entry.
pub fn remove(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let bin = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(parent)?;
    match std::fs::rename(folder, bin.path().join("entry")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn remove_abandoned(cache: &Path, now: SystemTime) {
    for folder in folders(cache).filter(|folder| name(folder).starts_with(TEMPORARY)) {
        let modified = std::fs::metadata(&folder).and_then(|found| found.modified());
        if modified.is_ok_and(|modified| age(now, modified) > ABANDONED) {
            // Someone else may be removing it as well.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
}

fn folders(cache: &Path) -> impl Iterator<Item = PathBuf> {
    let children = std::fs::read_dir(cache).into_iter().flatten().flatten();
    children.map(|child| child.path())
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_entry(folder: &Path) -> bool {
    let name = name(folder);
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn usage(folder: PathBuf) -> Usage {
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let found: Vec<_> = files.filter_map(|file| file.metadata().ok()).collect();
    let bytes = found.iter().map(|file| file.len()).sum();
    let last_use = found.iter().filter_map(|file| file.modified().ok()).max().unwrap_or(SystemTime::UNIX_EPOCH);
    Usage { folder, bytes, last_use }
}

fn age(now: SystemTime, then: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
