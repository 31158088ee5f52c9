//! Compiled libraries from a program's side: open, look at, call with slices.
//!
//! A file is checked before any of it runs: whole ELF, the well-known symbol, versions and sizes of its structs, and a manifest that
//! agrees with its table of entries.

mod array;
mod call;
mod elf;
mod error;
mod time;
mod view;

pub use array::Array;
pub use call::{CallError, Entry, Options};
pub use elf::check as check_file;
pub use error::LoadError;
pub use time::thread_time;
pub use view::{BrainFloat, Element, HalfFloat, TensorView, ViewError};

use crate::abi::{ABI_VERSION, EntryPoint, FIRST_ENTRY_SIZE, MODULE_SYMBOL, Module};
use crate::manifest::{self, Manifest};
use std::ffi::{CStr, c_char};
use std::path::Path;

/// What is wrong with a library's table.
#[derive(Debug)]
pub enum ModuleError {
    /// It is made for that other version of the ABI.
    Version(u32),
    /// What it says about itself does not fit together.
    Malformed(String),
}

/// A library in this process. Its code stays loaded until this is dropped.
pub struct Library {
    module: &'static Module,
    manifest: Manifest,
    manifest_text: String,
    _code: libloading::Library,
}

impl Library {
    /// Opens a library that `keopsc` made. This runs its code: open what you trust.
    pub fn open(path: &Path) -> Result<Library, LoadError> {
        elf::check(path)?;
        // SAFETY: the file is a whole library for this machine; trusting it is the caller's part.
        let code = unsafe { libloading::Library::new(absolute(path)) }
            .map_err(|error| LoadError::Open { path: path.to_owned(), reason: error.to_string() })?;
        let malformed = |reason: String| LoadError::Malformed { path: path.to_owned(), reason };
        // SAFETY: the symbol has this type in every library that has it.
        let module = unsafe {
            let symbol = code.get::<unsafe extern "C" fn() -> *const Module>(MODULE_SYMBOL);
            let get_module = symbol.map_err(|_| LoadError::Foreign { path: path.to_owned() })?;
            get_module().as_ref().ok_or_else(|| malformed(format!("{MODULE_SYMBOL} returns NULL")))?
        };
        // SAFETY: what has the symbol has a table as the ABI says.
        let (manifest, manifest_text) = match unsafe { read_module(module) } {
            Ok((manifest, text)) => (manifest, text.to_owned()),
            Err(ModuleError::Version(found)) => return Err(LoadError::Version { path: path.to_owned(), found }),
            Err(ModuleError::Malformed(reason)) => return Err(malformed(reason)),
        };
        Ok(Library { module, manifest, manifest_text, _code: code })
    }

    /// Its name: the prefix of its symbols.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The same as JSON, with whatever a newer compiler may have added.
    pub fn manifest_json(&self) -> &str {
        &self.manifest_text
    }

    /// The name of the instruction-set level in use, `None` if this processor runs none of the library's.
    pub fn target(&self) -> Option<&str> {
        // SAFETY: the function returns NULL or a text that lives as long as the library.
        unsafe { text((self.module.target)()) }
    }

    /// Its entries, in the order of the manifest.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.manifest
            .entries
            .iter()
            .enumerate()
            .map(|(number, description)| Entry::new(self, self.point(number), description))
    }

    /// The entry of a name.
    pub fn entry(&self, name: &str) -> Option<Entry<'_>> {
        self.entries().find(|entry| entry.name() == name)
    }

    /// The text of a status.
    pub fn strerror(&self, status: i32) -> &str {
        // SAFETY: as in `target`.
        unsafe { text((self.module.strerror)(status)) }.unwrap_or("unknown status")
    }

    fn point(&self, number: usize) -> EntryPoint {
        // SAFETY: `open` compared the table with the manifest, of whose entries this is the number.
        unsafe { point(self.module, number) }
    }
}

/// What a library's table says about itself, if it and its manifest agree; the manifest's text beside. Calls none of its functions.
///
/// # Safety
/// If the version is this ABI's and the struct has the size of this ABI's, texts are NULL or NUL-terminated, and `entries` is NULL or points to
/// `num_entries` rows, `entry_size` bytes apart, whose names are texts; all live as long as the borrow.
pub unsafe fn read_module(module: &Module) -> Result<(Manifest, &str), ModuleError> {
    if module.abi_version != ABI_VERSION {
        return Err(ModuleError::Version(module.abi_version));
    }
    check_size("keops_module", module.struct_size, size_of::<Module>())?;
    check_size("keops_entry", module.entry_size, FIRST_ENTRY_SIZE as usize)?;
    // SAFETY: version and sizes are those of this ABI.
    let text = unsafe { text(module.manifest) };
    let text = text.ok_or_else(|| ModuleError::Malformed("its manifest is not text".into()))?;
    let manifest =
        Manifest::from_json(text).map_err(|error| ModuleError::Malformed(format!("its manifest: {error}")))?;
    // SAFETY: as the caller promises.
    unsafe { check_entries(module, &manifest.entries) }.map_err(ModuleError::Malformed)?;
    Ok((manifest, text))
}

/// A row of the table; what an older library does not have is NULL.
///
/// # Safety
/// The table has that row, of at least [`FIRST_ENTRY_SIZE`] bytes, in which fields are set that cannot be NULL.
unsafe fn point(module: &Module, number: usize) -> EntryPoint {
    let mut point = std::mem::MaybeUninit::<EntryPoint>::zeroed();
    let known = (module.entry_size as usize).min(size_of::<EntryPoint>());
    // SAFETY: as the caller promises; entries lie `entry_size` apart.
    unsafe {
        let row = module.entries.byte_add(number * module.entry_size as usize);
        point.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(row.cast(), known);
        point.assume_init()
    }
}

/// The table and the manifest must tell the same.
///
/// # Safety
/// As for [`read_module`], whose checks have been made.
unsafe fn check_entries(module: &Module, described: &[manifest::Entry]) -> Result<(), String> {
    if module.num_entries as usize != described.len() || (module.entries.is_null() && !described.is_empty()) {
        return Err(format!("it has {} entries, its manifest {}", module.num_entries, described.len()));
    }
    for (number, description) in described.iter().enumerate() {
        // SAFETY: the count was compared.
        let point = unsafe { point(module, number) };
        // SAFETY: a name is NULL or text.
        let name = unsafe { text(point.name) }.unwrap_or("?");
        if name != description.name || point.num_tensors as usize != description.tensors.len() {
            let given = format!("{name} with {} tensors", point.num_tensors);
            return Err(format!(
                "entry {number} is {given}, in its manifest {} with {}",
                description.name,
                description.tensors.len()
            ));
        }
        if description.shards.is_some() != point.has_shards() {
            let (table, manifest) = if point.has_shards() { ("has", "has none") } else { ("has no", "has some") };
            return Err(format!("entry {number}, {name}, {table} functions for shards, its manifest {manifest}"));
        }
    }
    Ok(())
}

/// `dlopen` searches elsewhere for names without a slash.
fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn check_size(name: &str, given: u32, wanted: usize) -> Result<(), ModuleError> {
    if (given as usize) < wanted {
        let reason = format!("its struct {name} has {given} bytes, version {ABI_VERSION} has {wanted}");
        return Err(ModuleError::Malformed(reason));
    }
    Ok(())
}

/// # Safety
/// `pointer` is NULL or NUL-terminated and lives for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_str().ok()
}
