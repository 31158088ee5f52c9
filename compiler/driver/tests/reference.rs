//! The reference pages of the documentation are what the tables say. `BLESS=1 cargo test -p keopsc-driver --test reference` writes them anew.

use std::path::Path;

use keopsc_driver::reference::{diagnostics, operations, reductions};

#[track_caller]
fn compare(name: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(page.lines()).find(|(committed, printed)| committed != printed);
    assert!(
        committed == page,
        "{name} is out of date, first here (committed, printed): {differing:?}; see this file's first line"
    );
}

#[test]
fn the_page_of_operations_is_up_to_date() {
    let page = operations();
    assert!(page.examples.len() >= 100, "{} examples", page.examples.len());
    compare("operations.md", &page.text);
}

#[test]
fn the_page_of_reductions_is_up_to_date() {
    let page = reductions();
    assert!(page.examples.len() >= 100, "{} examples", page.examples.len());
    compare("reductions.md", &page.text);
}

#[test]
fn the_page_of_diagnostics_is_up_to_date() {
    compare("diagnostics.md", &diagnostics());
}
