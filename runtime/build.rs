//! Compiles `src/` once more, `no_std`, and links it to one relocatable object that goes into every compiled library.
//!
//! rustc is run directly (the crate has no dependencies in that form); `ld -r` drops what is not reachable from the entry points,
//! and their symbols are then marked hidden, so that libraries never see each other's copies.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const ENTRY_POINTS: [&str; 15] = [
    "keops_support_clusters",
    "keops_support_finalize",
    "keops_support_merge",
    "keops_support_partial",
    "keops_support_plain",
    "keops_support_plain_finalize",
    "keops_support_plain_merge",
    "keops_support_plain_partial",
    "keops_support_prepare",
    "keops_support_run",
    "keops_support_shard",
    "keops_support_state_size",
    "keops_support_strerror",
    "keops_support_target",
    "keops_support_workspace",
];

fn main() {
    for input in ["build.rs", "src/lib.rs", "src/abi.rs", "src/support"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let archive = out.join("libkeops_support.a");
    let object = out.join("support.o");
    compile(&archive);
    prelink(&archive, &object);
    let mut elf = fs::read(&object).expect("ld wrote the object");
    hide_symbols(&mut elf).expect("ld writes 64-bit little-endian ELF");
    fs::write(&object, elf).expect("OUT_DIR is writable");
}

fn compile(archive: &Path) {
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC");
    let target = env::var_os("TARGET").expect("cargo sets TARGET");
    let options = [
        "-Cpanic=abort",
        "-Copt-level=2",
        "-Ccodegen-units=1",
        "-Clto=fat",
        "-Cstrip=debuginfo",
        "-Crelocation-model=pic",
    ];
    let mut command = Command::new(rustc);
    command.args([
        "--edition",
        "2024",
        "--crate-name",
        "keops_support",
        "--crate-type",
        "staticlib",
        "--cfg",
        "keops_embed",
    ]);
    command.args(options).arg("--target").arg(target).arg("src/lib.rs").arg("-o").arg(archive);
    run(command);
}

fn prelink(archive: &Path, object: &Path) {
    let mut command = Command::new("ld");
    command.args(["-r", "--gc-sections", "--strip-debug"]);
    for name in ENTRY_POINTS {
        command.args(["-u", name]);
    }
    command.arg("-o").arg(object).arg(archive);
    run(command);
}

fn run(mut command: Command) {
    let status = command.status();
    assert!(
        matches!(&status, Ok(status) if status.success()),
        "building the embedded support object: {command:?}: {status:?}"
    );
}

/// Marks every symbol that the object defines as hidden.
fn hide_symbols(elf: &mut [u8]) -> Option<()> {
    const SYMBOL_TABLE: u32 = 2;
    const SYMBOL_BYTES: usize = 24;
    const HIDDEN: u8 = 2;
    let number = |elf: &[u8], at: usize| Some(u64::from_le_bytes(elf.get(at..at + 8)?.try_into().ok()?) as usize);
    let half = |elf: &[u8], at: usize| Some(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?));
    if elf.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let sections = number(elf, 0x28)?;
    for section in 0..usize::from(half(elf, 0x3c)?) {
        let header = sections + section * 64;
        let kind = u32::from_le_bytes(elf.get(header + 4..header + 8)?.try_into().ok()?);
        if kind != SYMBOL_TABLE {
            continue;
        }
        let (start, size) = (number(elf, header + 0x18)?, number(elf, header + 0x20)?);
        for symbol in (start..start + size).step_by(SYMBOL_BYTES) {
            let is_global = elf.get(symbol + 4)? >> 4 != 0;
            if is_global && half(elf, symbol + 6)? != 0 {
                *elf.get_mut(symbol + 5)? = HIDDEN;
            }
        }
    }
    Some(())
}
