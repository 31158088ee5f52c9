//! Scheduled plans as text, for `--emit schedule`.
//!
//! ```text
//! conv, pass 0 for x86-64-v4: 16 lanes x 3 row vectors, 8 columns at a time, chunks of 64 merged in a tree
//!     rows stay in registers; v9 in memory; a0 summed by 8 columns; loops up to 16 are unrolled
//! ```

use std::fmt::Write;

use keopsc_ir::plan::Pass;
use keopsc_ir::types::ScalarType;
use keopsc_passes::schedule::{Order, PassSchedule, Scheduled, Storage};

/// One paragraph a pass.
pub fn layout_text(scheduled: &Scheduled, level: &str) -> String {
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
    }
    text
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
