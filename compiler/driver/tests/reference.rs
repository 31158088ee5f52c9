//! The reference pages of the documentation are what the tables say. `BLESS=1 cargo test -p keopsc-driver --test reference` writes them anew.

use std::path::Path;

use keopsc_driver::reference::{Page, operations, reductions};

#[track_caller]
fn compare(name: &str, page: &Page) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page.text).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(page.text.lines()).find(|(committed, printed)| committed != printed);
    assert!(
        committed == page.text,
        "{name} is out of date, first here (committed, printed): {differing:?}; see this file's first line"
    );
    assert!(page.examples.len() >= 100, "{name} has {} examples", page.examples.len());
}

#[test]
fn the_page_of_operations_is_up_to_date() {
    compare("operations.md", &operations());
}

#[test]
fn the_page_of_reductions_is_up_to_date() {
    compare("reductions.md", &reductions());
}
