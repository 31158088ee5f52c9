//! Damaged texts are refused, by the parser or by the verifier, or are accepted and right; nothing panics.

use keopsc_ir::random::Random;
use keopsc_ir::{formula, plan};

/// The text with a digit changed, or a character changed, taken out or put in.
fn damaged(text: &str, random: &mut Random) -> String {
    const PIECES: &[&str] =
        &["0", "-", "(", ")", "]", ",", "i", "j", "p", "n1", "v1", " ", "#", "4294967295", "é", "\n"];
    let mut text: Vec<char> = text.chars().collect();
    let digits: Vec<usize> = (0..text.len()).filter(|&place| text[place].is_ascii_digit()).collect();
    if random.percent(70) {
        text[random.pick(&digits)] = random.pick(&['0', '1', '2', '3', '7']);
    } else {
        let place = random.below(text.len());
        let end = place + random.below(2).min(text.len() - place);
        text.splice(place..end, random.pick(PIECES).chars());
    }
    text.into_iter().collect()
}

#[test]
fn damaged_programs_are_refused() {
    let (mut read, mut broken) = (0, 0);
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let program = formula::generate::generate(seed / 20);
        let text = damaged(&formula::print::print(&program), &mut random);
        let Ok(again) = formula::parse::parse(&text) else { continue };
        read += 1;
        match formula::verify::verify(&again, formula::verify::Stage::Differentiated) {
            Ok(()) => {
                assert!(formula::parse::parse(&formula::print::print(&again)) == Ok(again), "seed {seed}\n{text}")
            }
            Err(_) => broken += 1,
        }
    }
    assert!(broken > 50 && broken < read, "{broken} of {read} texts that can be read break a rule");
}

#[test]
fn damaged_plans_are_refused() {
    let (mut read, mut broken) = (0, 0);
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let plan = plan::generate::generate(seed / 20);
        let text = damaged(&plan::print::print(&plan), &mut random);
        let Ok(again) = plan::parse::parse(&text) else { continue };
        read += 1;
        match plan::verify::verify(&again) {
            Ok(()) => assert!(plan::parse::parse(&plan::print::print(&again)) == Ok(again), "seed {seed}\n{text}"),
            Err(_) => broken += 1,
        }
    }
    assert!(broken > 50 && broken < read, "{broken} of {read} texts that can be read break a rule");
}
