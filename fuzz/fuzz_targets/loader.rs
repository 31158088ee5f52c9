//! Bytes → what the loader reads of a library before any of its functions is called: the manifest, the ELF file's headers, the table of entries.
#![no_main]

use std::ffi::{CString, c_char};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use keopsc_fuzz::bytes::Bytes;
use keopsc_fuzz::guarded::Slot;
use keopsc_runtime::abi::{Call, EntryPoint, FIRST_ENTRY_SIZE, Module};
use keopsc_runtime::loader::{check_file, read_module};
use keopsc_runtime::manifest::Manifest;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut choices = Bytes(bytes);
    match choices.below(3) {
        0 => manifest(&String::from_utf8_lossy(choices.0)),
        1 => file(&mut choices),
        _ => table(&mut choices),
    }
});

/// A manifest that is read is what it writes.
fn manifest(text: &str) {
    let Ok(manifest) = Manifest::from_json(text) else { return };
    let written = manifest.to_json().expect("a manifest has a text");
    assert_eq!(Manifest::from_json(&written).expect("the text is a manifest's"), manifest);
    manifest.entries.iter().flat_map(|entry| &entry.tensors).for_each(|tensor| {
        tensor.dim();
    });
}

/// The smallest file that is taken for a library, with some numbers exchanged, or any file at all.
fn file(choices: &mut Bytes<'_>) {
    static FILE: OnceLock<std::fs::File> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        // SAFETY: the name is text, the descriptor new.
        unsafe { std::fs::File::from_raw_fd(libc::memfd_create(c"library".as_ptr(), 0)) }
    });
    let mut image = if choices.chance(16) { choices.0.to_vec() } else { smallest_library() };
    for _ in 0..choices.below(8) {
        let at = choices.below(image.len());
        let number = choices.number().to_le_bytes();
        let width = choices.pick(&[8, 2, 4, 1]).min(image.len() - at);
        image[at..at + width].copy_from_slice(&number[..width]);
    }
    let length = if choices.chance(32) { choices.below(256).min(image.len()) } else { image.len() };
    file.set_len(length as u64).expect("memory");
    file.write_all_at(&image[..length], 0).expect("memory");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    if let Err(error) = check_file(path.as_ref()) {
        assert!(!error.to_string().is_empty());
    }
}

fn smallest_library() -> Vec<u8> {
    let mut image = vec![0; 64 + 56 + 64];
    image[..6].copy_from_slice(b"\x7fELF\x02\x01");
    let mut put = |at: usize, number: u16| image[at..at + 2].copy_from_slice(&number.to_le_bytes());
    // A shared object for this machine; where the tables are; sizes and counts of their rows.
    [(16, 3), (18, if cfg!(target_arch = "x86_64") { 62 } else { 183 }), (32, 64), (40, 120)]
        .into_iter()
        .chain([(54, 56), (56, 1), (58, 64), (60, 1), (96, 184), (124, 1), (152, 184)])
        .for_each(|(at, number)| put(at, number));
    check_is_library(&image);
    image
}

/// What is altered must be sound at first: this fails at the first input if it is not.
fn check_is_library(image: &[u8]) {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let path = std::env::temp_dir().join(format!("keopsc-fuzz-{}.so", std::process::id()));
        std::fs::write(&path, image).expect("a writable temporary folder");
        let verdict = check_file(&path);
        std::fs::remove_file(&path).expect("it was written");
        verdict.expect("the smallest library is one");
    });
}

/// A table and a manifest that tell about the same, with some numbers exchanged. Rows end at a forbidden page.
fn table(choices: &mut Bytes<'_>) {
    static ROWS: OnceLock<Slot> = OnceLock::new();
    let slot = ROWS.get_or_init(Slot::new);
    let mut module = Module {
        struct_size: size_of::<Module>() as u32,
        abi_version: 1,
        name: c"fuzz".as_ptr(),
        manifest: std::ptr::null(),
        manifest_size: 0,
        num_entries: 0,
        entry_size: choices.pick(&[size_of::<EntryPoint>() as u32, FIRST_ENTRY_SIZE, 48, 120, 39, 0, u32::MAX]),
        entries: std::ptr::null(),
        strerror: no_text,
        target: no_target,
        clusters: std::ptr::null(),
    };
    if choices.chance(16) {
        module.struct_size = choices.number() as u32;
    }
    if choices.chance(16) {
        module.abi_version = choices.number() as u32;
    }
    let (with_shards, other_count, other_tensors) = (choices.byte() & 1 == 0, choices.chance(16), choices.chance(16));
    let wrong = (choices.number() as u32, choices.number() as u32);
    let text = CString::new(choices.0.iter().copied().filter(|byte| *byte != 0).collect::<Vec<u8>>());
    let text = text.expect("there is no NUL");
    module.manifest = text.as_ptr();
    let described = Manifest::from_json(&text.to_string_lossy()).map(|manifest| manifest.entries).unwrap_or_default();
    let names: Vec<CString> =
        described.iter().map(|entry| CString::new(entry.name.replace('\0', "")).expect("there is no NUL")).collect();
    let rows: Vec<EntryPoint> = described
        .iter()
        .zip(&names)
        .map(|(entry, name)| EntryPoint {
            struct_size: module.entry_size,
            num_tensors: if other_tensors { wrong.0 } else { entry.tensors.len() as u32 },
            name: name.as_ptr(),
            run: no_run,
            prepare: no_prepare,
            workspace: no_workspace,
            partial: None,
            merge: None,
            finalize: None,
            state_size: with_shards.then_some(no_size),
            shard: None,
        })
        .collect();
    let (size, count) = (module.entry_size as usize, rows.len());
    if count > 0 && (size < FIRST_ENTRY_SIZE as usize || size.saturating_mul(count) > keopsc_fuzz::guarded::ROOM) {
        module.entries = slot.end().cast_const().cast();
        if size >= FIRST_ENTRY_SIZE as usize {
            // Such a table would need memory that is not there.
            return;
        }
    } else {
        let begin = slot.back(size * count);
        for (number, row) in rows.iter().enumerate() {
            // SAFETY: the slot has room for so many rows of that size.
            unsafe {
                let bytes = std::ptr::from_ref(row).cast::<u8>();
                begin.add(number * size).copy_from_nonoverlapping(bytes, size.min(size_of::<EntryPoint>()));
            }
        }
        module.entries = begin.cast_const().cast();
    }
    module.num_entries = if other_count { wrong.1 } else { count as u32 };
    // SAFETY: there are as many rows as the manifest has entries; with another number the table is refused before a row is read.
    drop(unsafe { read_module(&module) });
}

unsafe extern "C" fn no_text(_: i32) -> *const c_char {
    unreachable!("nothing of a library is called")
}

unsafe extern "C" fn no_target() -> *const c_char {
    unreachable!("nothing of a library is called")
}

unsafe extern "C" fn no_run(_: *const Call) -> i32 {
    unreachable!("nothing of a library is called")
}

unsafe extern "C" fn no_prepare(_: i32, _: i32) -> i32 {
    unreachable!("nothing of a library is called")
}

unsafe extern "C" fn no_workspace(_: *const Call, _: *mut u64) -> i32 {
    unreachable!("nothing of a library is called")
}

unsafe extern "C" fn no_size(_: i64) -> i64 {
    unreachable!("nothing of a library is called")
}
