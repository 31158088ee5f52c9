//! Gives the compiler's sources an identity, so that two builds of one version do not share cache entries.
//!
//! `KEOPSC_BUILD` becomes a hash of every source file of the workspace, wherever the checkout lies.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// What compiled libraries depend on, seen from this folder.
const SOURCES: [&str; 10] = [
    "../../Cargo.lock",
    "../../grammar",
    "../../runtime",
    "../diagnostics",
    "../ops",
    "../ir",
    "../passes",
    "../cpu",
    "../cuda",
    "../driver",
];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let mut hash = FNV_BASIS;
    for folder in SOURCES {
        println!("cargo::rerun-if-changed={folder}");
        for file in files_below(&here.join(folder)) {
            let path = file.strip_prefix(&here).unwrap_or(&file);
            hash = fold(hash, path.to_string_lossy().as_bytes());
            hash = fold(hash, &fs::read(&file).unwrap_or_default());
        }
    }
    println!("cargo::rustc-env=KEOPSC_BUILD={hash:016x}");
}

/// All files below a folder, sorted, or the file itself; none if the crate was published without its neighbours.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_path_buf()];
    }
    let mut children: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    children.sort();
    children.iter().flat_map(|child| files_below(child)).collect()
}

/// The offset basis of the 64-bit FNV-1a hash.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: enough to tell honest builds apart.
fn fold(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
