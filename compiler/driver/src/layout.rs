//! Scheduled plans as text, for `--emit schedule`.
//!
//! ```text
//! conv, pass 0 for x86-64-v4: 16 lanes x 3 row vectors, 8 columns at a time, chunks of 40 merged in a tree
//!     rows are read again for each column; v9 in memory; v3 kept; v3 for the whole tile at once; a0 summed by 8 columns; loops up to 16 are unrolled
//!     for a vector of pairs 6 products, 6 sums, 1 look-up, 1 load, 1 load for a column; contracted 3 products, 3 sums, 3 loads for a row, …
//!     tile 3 x 8: 5.1 cycles a vector of pairs, 29 registers, bound by ports that compute, chosen
//!     tile 2 x 8: 5.4 cycles a vector of pairs, 20 registers, bound by ports that compute
//! ```

use std::fmt::Write;

use keopsc_cpu::level::Level;
use keopsc_ir::plan::Pass;
use keopsc_ir::types::ScalarType;
use keopsc_passes::schedule::{Bound, Candidate, Instructions, Order, PassSchedule, Scheduled, Storage, Tile, Work};

/// One paragraph a pass.
pub fn layout_text(scheduled: &Scheduled, level: &Level) -> String {
    let machine = level.machine();
    let level = level.name;
    let mut text = String::new();
    for (number, (pass, layout)) in scheduled.passes().enumerate() {
        let name = &scheduled.plan().name;
        let PassSchedule { lanes, row_vectors, columns, .. } = layout;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name}, pass {number} for {level}: {lanes} lanes x {row_vectors} row vectors, {columns} columns at a time, {}\n    {}",
            chunks(layout),
            details(pass, layout)
        );
        let (work, candidates) = scheduled.candidates(number, &machine);
        let _ = writeln!(text, "    {}", work_text(&work));
        for candidate in candidates {
            let _ = writeln!(text, "    {}", candidate_text(&candidate, layout));
        }
    }
    text
}

fn work_text(work: &Work) -> String {
    let Work { pairs, contractions } = work;
    let rows = |loads: u32| part(loads, "load for a row");
    let contracted = instructions_text(contractions, rows(contractions.loads));
    let contracted = if contracted.is_empty() { contracted } else { format!("; contracted {contracted}") };
    format!("for a vector of pairs {}{contracted}", instructions_text(pairs, part(pairs.loads, "load")))
}

fn instructions_text(work: &Instructions, loads: Option<String>) -> String {
    let parts = [
        part(work.products, "product"),
        part(work.sums, "sum"),
        part(work.lookups, "look-up"),
        part(work.quotients, "quotient"),
        loads,
        part(work.stores, "store"),
        part(work.column_loads, "load for a column"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `3 loads for a column`, or nothing if there are none.
fn part(count: u32, name: &str) -> Option<String> {
    let (first, rest) = name.split_once(' ').map_or((name, String::new()), |(first, rest)| (first, format!(" {rest}")));
    match count {
        0 => None,
        1 => Some(format!("1 {first}{rest}")),
        count => Some(format!("{count} {first}s{rest}")),
    }
}

fn candidate_text(Candidate { tile, cycles, registers, bound }: &Candidate, layout: &PassSchedule) -> String {
    let bound = match bound {
        Bound::Products => "ports for products",
        Bound::Sums => "ports for sums",
        Bound::Computing => "ports that compute",
        Bound::Quotients => "quotients",
        Bound::Memory => "loads and stores",
        Bound::Issue => "the instructions of a cycle",
        Bound::Latency => "the latency of accumulators",
        Bound::Spills => "registers that are spilled",
    };
    let is_chosen = *tile == Tile { row_vectors: layout.row_vectors, columns: layout.columns };
    let chosen = if is_chosen { ", chosen" } else { "" };
    format!("tile {tile}: {cycles:.1} cycles a vector of pairs, {registers} registers, bound by {bound}{chosen}")
}

fn chunks(layout: &PassSchedule) -> String {
    match layout.order {
        Order::Tree => format!("chunks of {} merged in a tree", layout.chunk),
        Order::Sequence => format!("chunks of {} merged in sequence", layout.chunk),
        Order::Roots => "chunks of the square root of all merged in sequence".to_owned(),
        Order::Carried => format!("chunks of {} that go on with the state before", layout.chunk),
    }
}

fn details(pass: &Pass, layout: &PassSchedule) -> String {
    let rows = if layout.rows_in_registers { "rows stay in registers" } else { "rows are read again for each column" };
    let mut details = vec![rows.to_owned()];
    for (storage, words) in
        [(Storage::Memory, "in memory"), (Storage::Inline, "computed where used"), (Storage::Kept, "kept")]
    {
        let values: Vec<usize> =
            (0..layout.storage.len()).filter(|number| layout.storage[*number] == storage).collect();
        details.extend(list(values, words));
    }
    let contractions = layout.contractions.iter().map(|value| value.0 as usize).collect();
    details.extend(list(contractions, "for the whole tile at once"));
    let blocked: Vec<String> =
        (0..layout.blocked.len()).filter(|number| layout.blocked[*number]).map(|number| format!("a{number}")).collect();
    if !blocked.is_empty() {
        details.push(format!("{} summed by {} columns", blocked.join(", "), layout.columns));
    }
    if layout.accumulate == ScalarType::F64 && pass.compute != ScalarType::F64 {
        details.push("accumulators in f64".to_owned());
    }
    details.push(format!("loops up to {} are unrolled", layout.unroll));
    details.join("; ")
}

/// `v3, v5 in memory`, or nothing if there are no such values.
fn list(values: Vec<usize>, words: &str) -> Option<String> {
    let names: Vec<String> = values.iter().map(|value| format!("v{value}")).collect();
    (!names.is_empty()).then(|| format!("{} {words}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use keopsc_cpu::level::X86_64_V4;
    use keopsc_passes::pipeline;
    use keopsc_passes::resolve::Options;
    use keopsc_passes::schedule::schedule;

    use super::*;

    fn text(formula: &str) -> String {
        let (file, errors) = keopsc_grammar::parse_file(formula);
        assert!(errors.is_empty(), "{errors:?}");
        let output = pipeline::run(&file, &Options::default(), &mut |_, _| {}).unwrap();
        layout_text(&schedule(&output.plans[0], &X86_64_V4.machine()), &X86_64_V4)
    }

    #[test]
    fn a_layout_is_explained() {
        assert_eq!(text("x = Vi(3); y = Vj(3); b = Vj(1); out conv = Sum[j](Exp(-SqDist(x, y)) * b)"), GAUSS);
        let long = text("x = Vi(100); y = Vj(100); out near = ArgMin[j](SqDist(x, y))");
        let contracted = "; contracted 100 products, 100 sums, 100 loads for a row, 100 loads for a column\n";
        assert!(long.contains(contracted), "{long}");
        assert!(
            long.lines().nth(3).is_some_and(|line| line.starts_with("    tile 3 x 8: ") && line.ends_with(", chosen"))
        );
    }

    const GAUSS: &str = "\
conv, pass 0 for x86-64-v4: 16 lanes x 3 row vectors, 8 columns at a time, chunks of 40 merged in a tree
    rows are read again for each column; v0, v1, v2, v5 in memory; v4 computed where used; v3 kept; v3 for the whole tile at once; a0 summed by 8 columns; loops up to 16 are unrolled
    for a vector of pairs 6 products, 6 sums, 1 look-up, 1 load, 1 load for a column; contracted 3 products, 3 sums, 3 loads for a row, 3 loads for a column
    tile 3 x 8: 5.1 cycles a vector of pairs, 29 registers, bound by ports that compute, chosen
    tile 2 x 8: 5.4 cycles a vector of pairs, 20 registers, bound by ports that compute
    tile 1 x 8: 7.0 cycles a vector of pairs, 11 registers, bound by the latency of accumulators
";
}
