//! The reference pages say of each row what the row says. They are made from the tables (`compiler/driver/src/reference`), so what is missing from a row
//! here was left out of the table since, and what the page lacks was never written anew.

use keopsc_ops::catalogue::{self, Operation, When};
use keopsc_ops::reductions::{self, Reduction};

/// A part of a page: its heading, what it stands under, and its lines.
struct Section {
    family: String,
    name: String,
    lines: Vec<String>,
}

fn read(page: &str) -> String {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the page can be read")
}

fn sections(page: &str) -> Vec<Section> {
    let (mut family, mut found) = (String::new(), Vec::<Section>::new());
    for line in read(page).lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            family = heading.to_owned();
        } else if let Some(name) = line.strip_prefix("### ") {
            found.push(Section { family: family.clone(), name: name.to_owned(), lines: Vec::new() });
        } else if let Some(section) = found.last_mut() {
            section.lines.push(line.to_owned());
        }
    }
    found
}

impl Section {
    /// What follows a beginning, in all lines that have it.
    fn after(&self, beginning: &str) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.trim_start().strip_prefix(beginning)).collect()
    }

    fn says(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.contains(words))
    }

    /// The form and other names, in the first line.
    fn names(&self) -> Vec<&str> {
        quoted(self.lines.iter().find(|line| !line.is_empty()).expect("a section has a form"))
    }

    /// What stands between backquotes in the lines with a beginning.
    fn pairs(&self, beginning: &str) -> Vec<Vec<&str>> {
        self.after(beginning).into_iter().map(quoted).collect()
    }
}

fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn named<'a>(form: &'a str, aliases: &[&'a str]) -> Vec<&'a str> {
    [form].into_iter().chain(aliases.iter().copied()).collect()
}

fn pairs<'a>(rows: &[(&'a str, &'a str)]) -> Vec<Vec<&'a str>> {
    rows.iter().map(|(argument, formula)| vec![*argument, *formula]).collect()
}

#[test]
fn families_are_those_of_the_pages() {
    let written = |page: &str| -> Vec<(String, String)> {
        sections(page).into_iter().map(|section| (section.family, section.name)).collect()
    };
    let operations =
        catalogue::families().flat_map(|(heading, rows)| rows.into_iter().map(move |(_, row)| (heading, row.name)));
    let owned = |(heading, name): (&str, &str)| (heading.to_owned(), name.to_owned());
    assert_eq!(operations.map(owned).collect::<Vec<_>>(), written("operations.md"));
    let reductions =
        reductions::families().flat_map(|(heading, rows)| rows.into_iter().map(move |(_, row)| (heading, row.name)));
    let scatter = ("Sums by row numbers", reductions::SCATTER.name);
    assert_eq!(reductions.chain([scatter]).map(owned).collect::<Vec<_>>(), written("reductions.md"));
}

#[test]
fn operations_are_what_their_page_says() {
    let sections = sections("operations.md");
    for ((_, row), section) in catalogue::operations().zip(&sections) {
        let name = row.name;
        assert_eq!(section.name, name);
        assert_eq!(section.names(), named(row.signature, row.aliases), "{name}");
        assert!(section.lines.iter().any(|line| line == row.doc), "{name}");
        assert_eq!(section.pairs("- Gradient in "), pairs(row.gradient), "{name}");
        assert_eq!(section.says("its arguments may be exchanged"), row.commutative, "{name}");
        assert_eq!(section.pairs("- Linear in ").concat(), row.linear_in, "{name}");
        let complex = row.complex.iter().filter(|(kinds, _)| kinds.contains('z'));
        let formulas: Vec<Vec<&str>> =
            complex.map(|(_, formula)| if formula.is_empty() { vec![] } else { vec![*formula] }).collect();
        assert_eq!(section.pairs("- Of complex inputs: "), formulas, "{name}");
        check_laws(row, section);
        let bound = section
            .after("- Error: at most ")
            .iter()
            .map(|rest| rest.trim_end_matches(" ULP").parse::<f64>().expect("a number"))
            .sum();
        assert_eq!(if row.ulp.is_finite() { row.ulp } else { 0.0 }, bound, "{name}");
    }
    assert_eq!(sections.len(), catalogue::operations().count());
}

/// Each law with its conditions, in the order of the row; early ones say when in words.
fn check_laws(row: &Operation, section: &Section) {
    let is_early = |line: &&String| line.starts_with("- Before derivatives are formed: ");
    let written: Vec<Vec<&str>> =
        section.lines.iter().filter(|line| line.contains("` → `")).map(|line| quoted(line)).collect();
    let early = row.early_laws.iter().map(|law| match law.when {
        When::Always => vec![law.left, law.right],
        When::Nonnegative(name) | When::HasRoot(name) => vec![law.left, law.right, name],
    });
    assert_eq!(section.lines.iter().filter(is_early).count(), row.early_laws.len(), "{}", row.name);
    let laws = row.laws.iter().flat_map(|law| [&[law.left, law.right], law.when].concat());
    assert_eq!(written.concat(), early.flatten().chain(laws).collect::<Vec<_>>(), "{}", row.name);
}

#[test]
fn reductions_are_what_their_page_says() {
    let sections = sections("reductions.md");
    for ((_, row), section) in reductions::families().flat_map(|(_, rows)| rows).zip(&sections) {
        let Reduction { name, signature, aliases, gradient, equivalent, complex, compensated, .. } = *row;
        assert_eq!(section.name, name);
        assert_eq!(section.names(), named(signature, aliases), "{name}");
        assert!(section.lines.iter().any(|line| line == row.doc), "{name}");
        let formulas: Vec<Vec<&str>> = section.pairs("- Gradient in ");
        assert_eq!(formulas, pairs(gradient), "{name}");
        assert_eq!(section.pairs("- Differentiated as ").concat().join(""), equivalent, "{name}");
        assert_eq!(section.says("- Of complex inputs: "), complex.contains('z'), "{name}");
        let other = section.after("- With `numerics sum = kahan`, computed as ");
        assert_eq!(other.first().map_or(name, |rest| rest.trim_matches('`')), compensated, "{name}");
    }
}

/// The table of errors has a row for each operation that states one, `none` where no bound holds next to its zeros.
#[test]
fn errors_are_those_of_the_table() {
    let page = read("ulp.md");
    let rows = page.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let bounds: Vec<(&str, &str)> =
        rows.filter(|row| row.len() == 14 && row[2] == "x86-64-v4").map(|row| (row[1], row[4])).collect();
    let bound = |name: &str| bounds.iter().find(|(known, _)| *known == name).map(|(_, bound)| *bound);
    assert!(bounds.len() > 30, "{bounds:?}");
    for (_, row) in catalogue::operations() {
        let stated = match row.ulp {
            0.0 => None,
            ulp if ulp.is_finite() => Some(ulp.to_string()),
            _ => Some("none".to_owned()),
        };
        assert_eq!(bound(row.name).map(str::to_owned), stated, "{}", row.name);
    }
}
