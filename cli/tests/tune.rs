//! `keopsc compile --tune`: what it says, remembers and refuses.

mod support;

use std::path::Path;

use support::{Place, is_elf, said};

const TUNED: [&str; 5] = ["compile", "gauss.kf", "--tune", "-o", "tuned.so"];

fn notes(place: &Place) -> Vec<std::path::PathBuf> {
    let folder = std::fs::read_dir(place.path("cache/notes"));
    folder.map(|files| files.map(|file| file.unwrap().path()).collect()).unwrap_or_default()
}

#[test]
fn what_is_found_is_said_and_remembered() {
    let place = Place::new();
    let first = place.keopsc(&TUNED);
    assert_eq!((first.code, first.out.as_str()), (0, ""), "{first:?}");
    let words = "conv, pass 0: ";
    assert!(first.err.starts_with(words) && first.err.contains(" ms") && first.err.lines().count() == 1, "{first:?}");
    assert!(is_elf(&place.path("tuned.so")) && place.path("gauss.h").exists());
    let library = std::fs::read(place.path("tuned.so")).unwrap();
    assert_eq!(notes(&place).len(), 1);

    let second = place.keopsc(&TUNED);
    assert!(second.err.starts_with(words) && second.err.ends_with(" (remembered)\n"), "{second:?}");
    assert_eq!(std::fs::read(place.path("tuned.so")).unwrap(), library);

    // Another formula is another plan.
    place.write("gauss.kf", support::GAUSS.replace("Exp", "Tanh"));
    assert!(!place.keopsc(&TUNED).err.contains("(remembered)"));
    assert_eq!(notes(&place).len(), 2);
    place.does(&["cache", "--clear"]);
    assert!(notes(&place).is_empty());
}

/// The note of the formula says that another tile is faster, whatever is.
fn choose_another_tile(place: &Place) {
    let note = &notes(place)[0];
    let text = std::fs::read_to_string(note).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let [pass, rows, columns, ..] = words[..] else { panic!("{text}") };
    let other = if rows == "1" { 2 } else { 1 };
    std::fs::write(note, format!("{pass} {rows} {columns} {other} {columns} 1.5\n")).unwrap();
}

#[test]
fn a_tile_that_was_found_is_used_with_tune_alone() {
    let place = Place::new();
    let plain = ["compile", "gauss.kf", "--target", "native", "-o", "plain.so"];
    let bytes = || {
        place.does(&plain);
        std::fs::read(place.path("plain.so")).unwrap()
    };
    let before = bytes();
    place.keopsc(&TUNED);
    choose_another_tile(&place);
    let tuned = place.keopsc(&[&TUNED[..3], &["-o", "plain.so"]].concat());
    assert!(tuned.err.contains("1.50 times as fast as with the model's "), "{tuned:?}");
    assert!(std::fs::read(place.path("plain.so")).unwrap() != before, "the tile is used");
    assert!(bytes() == before, "and not without --tune");

    let cached = |arguments: &[&str]| {
        let said = place.keopsc(&[&["compile", "gauss.kf", "--cached"], arguments].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    let paths = [cached(&[]), cached(&["--tune"]), cached(&["--tune"])];
    assert!(paths[0] != paths[1] && paths[1] == paths[2], "{paths:?}");
    let schedule = place.keopsc(&["compile", "gauss.kf", "--tune", "--emit", "schedule"]).out;
    let chosen = schedule.lines().find(|line| line.ends_with(", chosen")).expect("a tile is chosen");
    let plain = place.does(&["compile", "gauss.kf", "--target", "native", "--emit", "schedule"]);
    assert!(!plain.contains(chosen), "{schedule}\n{plain}");
}

#[test]
fn a_note_that_is_damaged_is_found_again() {
    let place = Place::new();
    place.keopsc(&TUNED);
    for damage in ["0 3", "?", "0 3 8 3 8\n"] {
        std::fs::write(&notes(&place)[0], damage).unwrap();
        assert!(!place.keopsc(&TUNED).err.contains("(remembered)"), "{damage}");
    }
    // A tile that the pass cannot have is not taken.
    std::fs::write(&notes(&place)[0], "0 3 8 9 9 1.5\n").unwrap();
    assert_eq!(place.keopsc(&TUNED).code, 0);
    assert!(is_elf(&place.path("tuned.so")));
}

#[test]
fn a_cache_that_cannot_be_written_forgets() {
    let place = Place::new();
    place.write("file", "");
    for folder in ["/proc/none", "file/below"] {
        let said = said(place.command(&TUNED).env("KEOPSC_CACHE_DIR", folder).output().unwrap());
        assert_eq!(said.code, 0, "{folder}: {said:?}");
        assert!(said.err.starts_with("warning[E0305]: cannot write "), "{folder}: {}", said.err);
        assert!(said.err.contains("will have to be found again next time"), "{folder}: {}", said.err);
        assert!(said.err.contains("\nconv, pass 0: "), "{folder}: {}", said.err);
    }
    assert!(is_elf(Path::new(&place.path("tuned.so"))));
}

#[test]
fn several_instruction_sets_are_refused() {
    let place = Place::new();
    place.refuses(
        &["compile", "gauss.kf", "--tune", "--target", "x86-64-v2,x86-64-v3"],
        2,
        "error[E0306]: tuning is for one instruction set, and there are 2\n  \
         = help: leave out `--target`, or name the one that this machine is to use\n",
    );
    assert!(!place.path("libgauss.so").exists());
    let words = "x = Vi(2)\nout c = Sum[j](x +)\n";
    place.write("bad.kf", words);
    assert_eq!(place.keopsc(&["compile", "bad.kf", "--tune"]).code, 1);
}

#[test]
fn every_entry_of_a_formula_is_tuned() {
    let place = Place::new();
    let text = "dtype f16; x = Vi(3); y = Vj(3); b = Vj(1, dtype=c64); p = Pm(2); \
                out f = Sum[j](Exp(-SqDist(x, y)) * ComplexReal(b)); out g = Sum[i](Sum[j](Exp(-SqDist(x, y))) * Sum(p) * x); \
                out n = ArgMin[i](SqDist(x, y))";
    let said = place.keopsc(&["compile", "-e", text, "--tune"]);
    assert_eq!(said.code, 0, "{said:?}");
    for entry in ["f, pass 0: ", "g, pass 0: ", "n, pass 0: "] {
        assert!(said.err.contains(entry), "{said:?}");
    }
    let quiet = place.keopsc(&["compile", "-e", text, "--tune", "--message-format", "json"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
}
