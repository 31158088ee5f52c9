//! Formula files with those that they use: what is read, how often, and how much at most.

use std::path::Path;

use keopsc_diagnostics::{Code, Source};
use keopsc_grammar::{MAXIMUM_BYTES, MAXIMUM_NESTING};
use keopsc_passes::load::{LIBRARIES, load};

/// Writes files into a folder; reads the first with all that it uses.
fn codes(folder: &Path, files: &[(String, String)]) -> Vec<Code> {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("a writable temporary folder");
    }
    let (name, text) = &files[0];
    let errors = load(&mut Source::new(name.as_str(), text.as_str()), Some(&folder.join(name))).err();
    errors.unwrap_or_default().iter().map(|error| error.code).collect()
}

fn file(name: &str, text: &str) -> (String, String) {
    (name.to_owned(), text.to_owned())
}

#[test]
fn a_file_that_is_used_twice_is_read_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    std::fs::create_dir(folder.join("lib")).expect("a writable temporary folder");
    let files = [
        file("main.kf", "use 'lib/a.kf'; use kernels; use './lib/../lib/c.kf'"),
        file("lib/a.kf", "use 'b.kf'\nuse \"c.kf\"\nuse kernels"),
        file("lib/b.kf", "use 'c.kf'"),
        file("lib/c.kf", "def f(x) = x"),
    ];
    assert_eq!(codes(folder, &files), []);
    let mut source = Source::new("main.kf", files[0].1.as_str());
    let loaded = load(&mut source, Some(&folder.join("main.kf"))).expect("the files are right");
    let names: Vec<&str> = source.files().map(|(name, _)| name).collect();
    let paths: Vec<String> =
        ["lib/a.kf", "lib/b.kf", "lib/c.kf"].iter().map(|name| folder.join(name).display().to_string()).collect();
    assert_eq!(names, ["main.kf", &paths[0], &paths[1], &paths[2], "<kernels>"]);
    assert_eq!(loaded.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(), paths);
    assert_eq!(loaded.file.used.len(), 4);
}

#[test]
fn files_are_bounded_in_number_and_size() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chain = |length: usize| -> Vec<(String, String)> {
        let next = |number| format!("use '{}.kf'", number + 1);
        let files = (0..length).map(|number| (format!("{number}.kf"), next(number)));
        files.chain([(format!("{length}.kf"), String::new())]).collect()
    };
    assert_eq!(codes(folder.path(), &chain(MAXIMUM_NESTING)), []);
    assert_eq!(codes(folder.path(), &chain(MAXIMUM_NESTING + 1)), [Code::TooDeep]);
    let using = "use 'a.kf'";
    let with = |bytes: usize| codes(folder.path(), &[file("main.kf", using), file("a.kf", &"#".repeat(bytes))]);
    let most = MAXIMUM_BYTES - using.len();
    assert_eq!(with(most), []);
    for bytes in [most + 1, MAXIMUM_BYTES, MAXIMUM_BYTES + 1, 2 * MAXIMUM_BYTES] {
        assert_eq!(with(bytes), [Code::TooLong], "{bytes}");
    }
    let half = "#".repeat(MAXIMUM_BYTES / 2);
    let files = [file("main.kf", "use 'a.kf'\nuse 'b.kf'"), file("a.kf", &half), file("b.kf", &half)];
    assert_eq!(codes(folder.path(), &files), [Code::TooLong]);
}

#[test]
fn libraries_have_definitions_alone() {
    for (name, _) in LIBRARIES {
        let loaded = load(&mut Source::new("-e", format!("use {name}")), None);
        assert!(loaded.is_ok_and(|loaded| !loaded.file.used[0].statements.is_empty()), "{name}");
    }
}
