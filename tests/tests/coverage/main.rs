//! The acceptance table `docs/coverage.md`: every operation and every reduction, its value and its derivatives, compiled in both precisions and
//! compared with the float64 interpreter and with differences of it. Rows are those of the tables; a cell is there only where the comparison was made.
//!
//! `BLESS=1 cargo test -p keopsc-tests --test coverage` writes the table anew; `KEOPSC_ROWS=Exp,Sum` looks at some rows alone.

mod compiled;
mod formulas;
mod interpreter;
mod page;
mod verdict;

use std::path::Path;

use keopsc_ir::types::{Axis, ScalarType};
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};

use compiled::Library;
use formulas::{Case, operation_cases, reduction_case};
use page::{Family, Row, page};
use verdict::{Verdicts, judge};

/// How many cases share a library: enough that few are made, few enough that the two precisions of all stay in memory.
const CASES_OF_A_LIBRARY: usize = 100;

/// Where a family of rows has its cases.
struct Planned<R> {
    heading: &'static str,
    /// The row, and its cases among all.
    rows: Vec<(R, std::ops::Range<usize>)>,
}

#[test]
fn every_row_is_covered() {
    let mut cases = Vec::new();
    let operations = plan_operations(&mut cases);
    let reductions = plan_reductions(&mut cases);
    let verdicts = judge_all(&cases);
    let wrong: Vec<&str> = verdicts.iter().flat_map(|verdicts| &verdicts.wrong).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
    if std::env::var_os("KEOPSC_ROWS").is_none() {
        let operations = judged(operations, &verdicts, |id| catalogue::operation(id).name);
        let reductions = judged(reductions, &verdicts, |id| reductions::reduction(id).name);
        compare(&page(&operations, &reductions));
    }
}

fn plan_operations(cases: &mut Vec<Case>) -> Vec<Planned<OperationId>> {
    let families = catalogue::families().map(|(heading, rows)| {
        let rows = rows.into_iter().filter(|(_, row)| is_wanted(row.name)).map(|(id, row)| {
            let first = cases.len();
            cases.extend(operation_cases(id, first));
            assert!(cases.len() > first, "there are no fitting arguments for `{}`", row.name);
            (id, first..cases.len())
        });
        Planned { heading, rows: rows.collect() }
    });
    families.collect()
}

fn plan_reductions(cases: &mut Vec<Case>) -> Vec<Planned<ReductionId>> {
    let families = reductions::families().map(|(heading, rows)| {
        let rows = rows.into_iter().filter(|(_, row)| is_wanted(row.name)).map(|(id, _)| {
            let first = cases.len();
            cases.extend([reduction_case(id, Axis::J, first), reduction_case(id, Axis::I, first + 1)]);
            (id, first..cases.len())
        });
        Planned { heading, rows: rows.collect() }
    });
    families.collect()
}

fn is_wanted(name: &str) -> bool {
    std::env::var("KEOPSC_ROWS").map_or(true, |names| names.split(',').any(|wanted| wanted == name))
}

fn judge_all(cases: &[Case]) -> Vec<Verdicts> {
    let judge_some = |cases: &[Case]| -> Vec<Verdicts> {
        let (float64, float32) = (Library::new(cases, ScalarType::F64), Library::new(cases, ScalarType::F32));
        cases.iter().map(|case| judge(case, &float64, &float32)).collect()
    };
    // Two halves at a time, so that two processors have work.
    let halves = cases.split_at(cases.len() / 2);
    std::thread::scope(|scope| {
        let some = |cases: &[Case]| cases.chunks(CASES_OF_A_LIBRARY).flat_map(judge_some).collect::<Vec<Verdicts>>();
        let first = scope.spawn(move || some(halves.0));
        let second = some(halves.1);
        let first = first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        [first, second].concat()
    })
}

fn judged<R: Copy>(families: Vec<Planned<R>>, verdicts: &[Verdicts], name: fn(R) -> &'static str) -> Vec<Family> {
    let family = |family: Planned<R>| {
        // The family of complex numbers is the one that makes them.
        let is_complex = family.rows.iter().any(|(row, _)| name(*row) == "Complex");
        let row = |(row, cases): &(R, std::ops::Range<usize>)| Row {
            name: name(*row),
            all: Verdicts::of_all(verdicts[cases.clone()].iter()),
            cases: verdicts[cases.clone()].to_vec(),
            is_complex,
        };
        (family.heading, family.rows.iter().map(row).collect())
    };
    families.into_iter().map(family).collect()
}

fn compare(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coverage.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = committed.lines().zip(page.lines()).find(|(committed, found)| committed != found);
    assert!(committed == page, "docs/coverage.md is out of date, first here (committed, found): {differing:?}");
}
