//! Compiles the support code to LLVM's bitcode, from which [`emulated`](src/emulated/mod.rs) makes an object for another processor: there need be no
//! Rust standard library for that one. `runtime/build.rs` makes the object for this one.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../runtime/src");
    let variable = |name| std::env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let mut command = Command::new(variable("RUSTC"));
    command.args(["--edition", "2024", "--crate-name", "keops_support", "--crate-type", "staticlib"]);
    command.args(["--cfg", "keops_embed", "--cfg", "keops_retarget", "--emit", "llvm-bc"]);
    command.args(["-Cpanic=abort", "-Copt-level=2", "-Ccodegen-units=1", "-Clto=fat", "-Cstrip=debuginfo"]);
    command.arg("-Crelocation-model=pic").arg("--target").arg(variable("TARGET"));
    command.arg("../runtime/src/lib.rs").arg("-o").arg(out.join("support.bc"));
    let status = command.status();
    assert!(matches!(&status, Ok(status) if status.success()), "the support code as bitcode: {command:?}: {status:?}");
}
