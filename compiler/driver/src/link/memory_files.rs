//! A file system of a few named byte strings, for the linker inside this process.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libwild::error::Result;
use libwild::{FileSystem, FileType, InputFileData, OutputFileData, OutputOptions};

type Contents = HashMap<PathBuf, Arc<[u8]>>;

/// The files. Clones share them.
#[derive(Clone)]
pub struct MemoryFiles {
    contents: Arc<Mutex<Contents>>,
}

impl MemoryFiles {
    /// Files with these names and contents.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let contents = files.iter().map(|(name, bytes)| (PathBuf::from(name), Arc::from(*bytes))).collect();
        MemoryFiles { contents: Arc::new(Mutex::new(contents)) }
    }

    /// Removes a file and gives its contents.
    pub fn take(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().remove(Path::new(name)).map(|bytes| bytes.to_vec())
    }

    // A panic while the lock is held cannot leave the map half-changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, path: &Path) -> Result<Arc<[u8]>> {
        Ok(self.lock().get(path).cloned().ok_or_else(not_found)?)
    }
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

/// An opened file.
#[derive(Debug)]
pub struct MemoryInput(Arc<[u8]>);

impl InputFileData for MemoryInput {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A file that is being written; it appears under its name when it is finished.
pub struct MemoryOutput {
    path: PathBuf,
    bytes: Vec<u8>,
    files: MemoryFiles,
}

impl OutputFileData for MemoryOutput {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn finish(self) -> Result<()> {
        self.files.lock().insert(self.path, Arc::from(self.bytes));
        Ok(())
    }
}

impl FileSystem for MemoryFiles {
    type Input = MemoryInput;
    type Output = MemoryOutput;

    fn open_input(&self, path: &Path, _prepopulate_maps: bool) -> Result<(Self::Input, Option<Arc<File>>)> {
        Ok((MemoryInput(self.get(path)?), None))
    }

    fn file_type(&self, path: &Path) -> Result<FileType> {
        self.get(path).map(|_| FileType::File)
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf> {
        Ok(path.to_path_buf())
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.lock().remove(path).ok_or_else(not_found)?;
        Ok(())
    }

    fn rename_file(&self, path: &Path, new_path: &Path) -> Result<()> {
        let mut files = self.lock();
        let bytes = files.remove(path).ok_or_else(not_found)?;
        files.insert(new_path.to_path_buf(), bytes);
        Ok(())
    }

    fn create_output(&self, path: Arc<Path>, options: OutputOptions) -> Result<Self::Output> {
        let size = usize::try_from(options.size)?;
        Ok(MemoryOutput { path: path.to_path_buf(), bytes: vec![0; size], files: self.clone() })
    }

    fn write_auxiliary(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.lock().insert(path.to_path_buf(), Arc::from(bytes));
        Ok(())
    }
}
