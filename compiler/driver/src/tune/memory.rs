//! What tuning found ⇄ text that the cache keeps: a line a pass, `0 4 5 3 8 1.08`: of the first pass, the model's, the chosen, the gain.

use super::{Choice, Finding, Layout};

/// The text of what was found for a plan.
pub fn write<L: Layout>(findings: &[Finding<L>]) -> String {
    let line = |Finding { choice, model, gain, .. }: &Finding<L>| {
        let numbers = |layout: L| layout.numbers().map(|number| number.to_string()).join(" ");
        format!("{} {} {} {gain}\n", choice.pass, numbers(*model), numbers(choice.layout))
    };
    findings.iter().map(line).collect()
}

/// What was found for a plan, if the text is one that [`write`] makes.
pub fn read<L: Layout>(text: &str, plan: &str) -> Option<Vec<Finding<L>>> {
    text.lines().map(|line| finding(line, plan)).collect()
}

fn finding<L: Layout>(line: &str, plan: &str) -> Option<Finding<L>> {
    let words: Vec<&str> = line.split(' ').collect();
    let [pass, layouts @ .., gain] = &words[..] else { return None };
    let numbers: Vec<u32> = layouts.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    let [first, second, third, fourth] = numbers[..] else { return None };
    let layout = L::from_numbers([third, fourth])?;
    Some(Finding {
        choice: Choice { plan: plan.to_owned(), pass: pass.parse().ok()?, layout },
        model: L::from_numbers([first, second])?,
        gain: gain.parse().ok()?,
        times: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use keopsc_cuda::schedule::Layout as KernelLayout;
    use keopsc_passes::schedule::Tile;

    use super::*;

    #[test]
    fn findings_are_read_back_and_nothing_else_is() {
        let tile = |row_vectors| Tile { row_vectors, columns: 8 };
        let choice = |pass| Choice { plan: "f".to_owned(), pass, layout: tile(2) };
        let finding = |pass| Finding { choice: choice(pass), model: tile(3), gain: 1.25, times: Vec::new() };
        let findings = vec![finding(0), finding(2)];
        assert_eq!(write(&findings), "0 3 8 2 8 1.25\n2 3 8 2 8 1.25\n");
        assert_eq!(read(&write(&findings), "f"), Some(findings));
        for text in ["0 3 8 2 1.25", "a 3 8 2 8 1.25", "0 3 8 2 8 fast", "\n"] {
            assert_eq!(read::<Tile>(text, "f"), None, "{text}");
        }
        for layout in ["0 4", "1 3"] {
            let text = format!("0 0 8 {layout} 1.5\n");
            assert_eq!(write(&read::<KernelLayout>(&text, "f").unwrap()), text);
        }
        assert_eq!(read::<KernelLayout>("0 0 8 2 4 1.5", "f"), None);
    }
}
