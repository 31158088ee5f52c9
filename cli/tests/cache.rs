//! `keopsc compile --cached` with many processes, damaged entries and folders that cannot be written.

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use support::{Place, is_elf, said};

const CACHED: [&str; 3] = ["compile", "gauss.kf", "--cached"];

fn only_line(text: &str) -> PathBuf {
    assert_eq!(text.lines().count(), 1, "{text}");
    PathBuf::from(text.trim_end())
}

#[test]
fn the_second_time_it_is_found() {
    let place = Place::new();
    let first = place.keopsc(&[&CACHED[..], &["-v"]].concat());
    let second = place.keopsc(&[&CACHED[..], &["-v"]].concat());
    assert_eq!(first.out, second.out);
    assert!(first.err.starts_with("compiled into the cache in "), "{}", first.err);
    assert!(second.err.starts_with("found in the cache in "), "{}", second.err);
    let library = only_line(&first.out);
    assert!(is_elf(&library) && library.ends_with("libgauss.so"));
    assert!(library.with_file_name("gauss.h").exists());
    assert!(library.starts_with(place.path("cache")));
}

#[test]
fn everything_that_changes_the_library_changes_its_place() {
    let place = Place::new();
    let variants: [&[&str]; 6] = [
        &[],
        &["--dtype", "f64"],
        &["--name", "other"],
        &["--target", "portable"],
        &["--sum", "kahan"],
        &["--linker", "cc"],
    ];
    let mut paths: Vec<String> = variants.iter().map(|variant| place.does(&[&CACHED[..], variant].concat())).collect();
    place.write("gauss.kf", support::GAUSS.replace("Exp", "Tanh"));
    paths.push(place.does(&CACHED));
    let all = paths.len();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), all);
}

#[test]
fn the_variable_that_libraries_obey_says_what_is_made() {
    let place = Place::new();
    let output = place.command(&CACHED).env("KEOPSC_TARGET", "x86-64-v2").output().unwrap();
    let shown = place.does(&["inspect", only_line(&said(output).out).to_str().unwrap()]);
    assert!(shown.contains("targets   x86-64-v2\n"), "{shown}");
}

#[test]
fn sixteen_processes_compile_once() {
    let place = Place::new();
    let start = |_| {
        let mut command = place.command(&[&CACHED[..], &["-v"]].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..16).map(start).collect();
    let all: Vec<_> = running.into_iter().map(|process| said(process.wait_with_output().unwrap())).collect();
    let path = &all[0].out;
    assert!(all.iter().all(|said| said.code == 0 && said.out == *path), "{all:?}");
    let compiled = all.iter().filter(|said| said.err.starts_with("compiled")).count();
    assert_eq!(compiled, 1, "{all:?}");
    assert!(is_elf(&only_line(path)));
}

#[test]
fn a_truncated_entry_is_compiled_again() {
    let place = Place::new();
    let path = only_line(&place.does(&CACHED));
    let whole = std::fs::read(&path).unwrap();
    for damaged in [&whole[..whole.len() / 2], b""] {
        std::fs::write(&path, damaged).unwrap();
        assert_eq!(only_line(&place.does(&CACHED)), path);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}

/// The words when the cache cannot be used and the library went elsewhere.
fn outside(err: &str, library: &Path) -> bool {
    err.starts_with("warning[E0305]: cannot write the cache entry") && err.contains(&library.display().to_string())
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let place = Place::new();
    place.write("file", "");
    for folder in ["/proc/none", "file", "file/below"] {
        let output = place.command(&CACHED).env("KEOPSC_CACHE_DIR", folder).output().unwrap();
        let said = said(output);
        let library = only_line(&said.out);
        assert_eq!(said.code, 0, "{folder}: {said:?}");
        assert!(is_elf(&library), "{folder}");
        assert!(outside(&said.err, &library), "{folder}: {}", said.err);
    }
}

#[test]
fn a_full_disk_is_done_without() {
    let place = Place::new();
    // /dev/full cannot hold a folder; a quota cannot be set here: a limit on the size of files is the nearest thing.
    let script =
        format!("ulimit -f 1; trap '' XFSZ; exec \"{}\" compile gauss.kf --cached", env!("CARGO_BIN_EXE_keopsc"));
    let mut command = place.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(place.path("")).stdin(Stdio::null());
    shell.env("KEOPSC_CACHE_DIR", place.path("cache")).env("TMPDIR", place.path(""));
    let said = said(shell.output().unwrap());
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.starts_with("error[E0305]: cannot write the cache entry"), "{}", said.err);
    assert!(said.err.contains("File too large"), "{}", said.err);
    // Nothing half-written is left, and without the limit all is well.
    let left = command.args(CACHED).output().unwrap();
    assert!(is_elf(&only_line(&String::from_utf8(left.stdout).unwrap())));
}

#[test]
fn the_cache_shows_and_clears_itself() {
    let place = Place::new();
    place.does(&CACHED);
    let folder = place.path("cache").display().to_string();
    assert_eq!(place.does(&["cache", "--dir"]), format!("{folder}\n"));
    let bytes: u64 = place.does(&["cache", "--size"]).trim().parse().unwrap();
    assert!(bytes > 1000);
    let shown = place.does(&["cache"]);
    assert!(shown.starts_with(&format!("folder  {folder}\nholds   1 library, ")), "{shown}");
    assert_eq!(place.does(&["cache", "--clear"]), "removed 1 library\n");
    assert_eq!(place.does(&["cache", "--size"]), "0\n");
}

#[test]
fn a_size_that_is_none_is_refused() {
    let place = Place::new();
    let output = place.command(&CACHED).env("KEOPSC_CACHE_SIZE", "lots").output().unwrap();
    let said = said(output);
    let words = "error[E0305]: KEOPSC_CACHE_SIZE is `lots`, which is no size\n  \
                 = help: write a number of bytes, with K, M or G for powers of 1024: `512M`\n";
    assert_eq!((said.code, said.err.as_str()), (2, words));
}

#[test]
fn a_wrong_formula_is_not_cached() {
    let place = Place::new();
    place.write("gauss.kf", "out c = Sum[j](z)\n");
    assert_eq!(place.keopsc(&CACHED).code, 1);
    assert_eq!(place.does(&["cache", "--size"]), "0\n");
}
