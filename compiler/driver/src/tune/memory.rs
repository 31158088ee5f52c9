//! What tuning found ⇄ text that the cache keeps: a line a pass, `0 3 x 8, was 4 x 5, gain 1.08`.

use keopsc_cpu::level::Level;
use keopsc_ir::plan::Plan;
use keopsc_ir::plan::print::print;
use keopsc_passes::schedule::Tile;

use super::Finding;
use crate::cache::Key;

/// What a finding is for: a plan, and all that its speed depends on.
pub fn key(plan: &Plan, level: &Level) -> Key {
    Key::new(&[
        ("what", "tiles"),
        ("build", env!("KEOPSC_BUILD")),
        ("processor", &processor()),
        ("level", level.name),
        ("plan", &print(plan)),
    ])
}

/// The text of what was found for a plan.
pub fn write(findings: &[Finding]) -> String {
    let line = |Finding { pass, model, chosen, gain, .. }: &Finding| {
        let tile = |tile: &Tile| format!("{} {}", tile.row_vectors, tile.columns);
        format!("{pass} {} {} {gain}\n", tile(model), tile(chosen))
    };
    findings.iter().map(line).collect()
}

/// What was found for a plan, if the text is one that [`write`] makes.
pub fn read(text: &str, plan: &str) -> Option<Vec<Finding>> {
    text.lines().map(|line| finding(line, plan)).collect()
}

fn finding(line: &str, plan: &str) -> Option<Finding> {
    let words: Vec<&str> = line.split(' ').collect();
    let [pass, model @ .., gain] = &words[..] else { return None };
    let numbers: Vec<u32> = model.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let [model_rows, model_columns, row_vectors, columns] = numbers[..] else { return None };
    Some(Finding {
        plan: plan.to_owned(),
        pass: pass.parse().ok()?,
        model: Tile { row_vectors: model_rows, columns: model_columns },
        chosen: Tile { row_vectors, columns },
        gain: gain.parse().ok()?,
        times: Vec::new(),
    })
}

/// The processor's own name for itself, as far as the system tells.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = |field: &str| text.lines().find(|line| line.starts_with(field)).unwrap_or_default().to_owned();
    ["vendor_id", "cpu family", "model", "stepping", "CPU part"].map(name).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_back_and_nothing_else_is() {
        let tile = |row_vectors| Tile { row_vectors, columns: 8 };
        let finding = |pass| Finding {
            plan: "f".to_owned(),
            pass,
            model: tile(3),
            chosen: tile(2),
            gain: 1.25,
            times: Vec::new(),
        };
        let findings = vec![finding(0), finding(2)];
        assert_eq!(write(&findings), "0 3 8 2 8 1.25\n2 3 8 2 8 1.25\n");
        assert_eq!(read(&write(&findings), "f"), Some(findings));
        for text in ["0 3 8 2 1.25", "a 3 8 2 8 1.25", "0 3 8 2 8 fast", "\n"] {
            assert_eq!(read(text, "f"), None, "{text}");
        }
    }
}
