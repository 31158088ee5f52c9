//! The emulated driver, compiled as `tests/python/device.py` does, to the same file.

use std::path::PathBuf;
use std::process::Command;

use super::repository;

const OPTIONS: [&str; 9] =
    ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-shared", "-fPIC", "-pthread"];

/// Its `libcuda.so.1`.
pub(super) fn library() -> PathBuf {
    let source = repository("tests/emulator/libcuda.cpp");
    let sum = Command::new("sha256sum").arg(&source).output().expect("sha256sum runs");
    let hash = String::from_utf8_lossy(&sum.stdout).chars().take(16).collect::<String>();
    let folder = repository("target/emulator").join(format!("driver-{hash}"));
    let library = folder.join("libcuda.so.1");
    if !library.is_file() {
        std::fs::create_dir_all(&folder).expect("target can be written");
        let made = folder.join(format!("{}.new", std::process::id()));
        let mut gcc = Command::new("g++");
        gcc.args(OPTIONS).arg("-Wl,-soname,libcuda.so.1").arg("-o").arg(&made).arg(source);
        assert!(gcc.status().expect("g++ runs").success(), "the emulator compiles");
        std::fs::rename(made, &library).expect("target can be written");
    }
    library
}

/// Its `nvcc`.
pub(super) fn nvcc() -> PathBuf {
    repository("tests/emulator/nvcc")
}
