//! Scheduled plans as text, for `--emit schedule`.
//!
//! ```text
//! conv, pass 0 for x86-64-v4: 16 lanes x 3 row vectors, 1 column at a time, chunks of 128
//!     rows stay in registers; v9 in memory; loops up to 16 are unrolled
//! ```

use std::fmt::Write;

use keopsc_passes::schedule::{PassSchedule, Scheduled, Storage};

/// One paragraph a pass.
pub fn layout_text(scheduled: &Scheduled, level: &str) -> String {
    let mut text = String::new();
    for (number, (_, layout)) in scheduled.passes().enumerate() {
        let name = &scheduled.plan().name;
        let PassSchedule { lanes, row_vectors, columns, chunk, .. } = layout;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name}, pass {number} for {level}: {lanes} lanes x {row_vectors} row vectors, {columns} columns at a time, chunks of {chunk}\n    {}",
            details(layout)
        );
    }
    text
}

fn details(layout: &PassSchedule) -> String {
    let rows = if layout.rows_in_registers { "rows stay in registers" } else { "rows are read again for each column" };
    let mut details = vec![rows.to_owned()];
    for (storage, words) in [(Storage::Memory, "in memory"), (Storage::Inline, "computed where used")] {
        let values: Vec<usize> =
            (0..layout.storage.len()).filter(|number| layout.storage[*number] == storage).collect();
        details.extend(list(values, words));
    }
    let contractions = layout.contractions.iter().map(|value| value.0 as usize).collect();
    details.extend(list(contractions, "for the whole tile at once"));
    details.push(format!("loops up to {} are unrolled", layout.unroll));
    details.join("; ")
}

/// `v3, v5 in memory`, or nothing if there are no such values.
fn list(values: Vec<usize>, words: &str) -> Option<String> {
    let names: Vec<String> = values.iter().map(|value| format!("v{value}")).collect();
    (!names.is_empty()).then(|| format!("{} {words}", names.join(", ")))
}
