//! The inputs that fuzzing kept, those that once failed among them (`fuzz/corpus`), taken through the front end and all passes to schedules and CUDA text.

#[path = "../../fuzz/src/front_end.rs"]
mod front_end;

use std::path::Path;

/// The committed inputs of a target, as text.
fn corpus(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "{} has {} inputs", folder.display(), paths.len());
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).expect("the input can be read")).into_owned();
    paths.into_iter().map(read).collect()
}

#[test]
fn every_input_is_parsed() {
    corpus("parse").iter().for_each(|text| front_end::parses(text));
}

#[test]
fn every_input_goes_through_all_passes() {
    let sound = corpus("pipeline").iter().filter(|text| front_end::compiles(text)).count();
    assert!(sound > 20, "only {sound} inputs were sound, so that later passes saw little");
}
