//! Compiles `calls.kf` by the `keopsc` that KEOPSC names, and puts its objects, but for the support code, into an archive: with that the target `calls`
//! has a compiled library whose support code is the instrumented one of the crate `keopsc-runtime`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=calls.kf");
    println!("cargo::rerun-if-env-changed=KEOPSC");
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let keopsc = std::env::var_os("KEOPSC").map_or(root.join("../target/release/keopsc"), PathBuf::from);
    println!("cargo::rerun-if-changed={}", keopsc.display());
    let objects = out.join("objects");
    std::fs::create_dir_all(&objects).expect("cargo's folder is writable");
    let linker = out.join("keep-objects");
    let script = format!("#!/bin/sh\nrm support.o && cp ./*.o '{}' && : > output.so\n", objects.display());
    std::fs::write(&linker, script).expect("cargo's folder is writable");
    std::fs::set_permissions(&linker, std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let mut compile = Command::new(&keopsc);
    compile.arg("compile").arg(root.join("calls.kf")).args(["--target", "native", "--linker"]).arg(&linker);
    run(compile.arg("-o").arg(out.join("libcalls.so")));
    let archive = out.join("libcalls.a");
    let _ = std::fs::remove_file(&archive);
    run(Command::new("ar").arg("crs").arg(&archive).args(files(&objects)));
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=static=calls");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(matches!(&status, Ok(status) if status.success()), "{command:?}: {status:?} (`make build` makes keopsc)");
}
