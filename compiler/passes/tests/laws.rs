//! Each law of the catalogue alone: it is applied to an instance of its left side, is not where a condition fails, and keeps the accuracy that it
//! states, in float32 on inputs that cancel, overflow and vanish.

mod support;

use keopsc_ir::formula::cost::cost;
use keopsc_ir::formula::{InputId, Program};
use keopsc_ir::random::Random;
use keopsc_ops::catalogue::{self, Accuracy, ParsedLaw};
use keopsc_passes::hoist::hoist;
use keopsc_passes::simplify::{simplify_with, simplify_without};
use keopsc_passes::without::Without;
use support::errors::{Number, calculate};
use support::instances::{Choice, by_this_law, choices, file, is_always_applied, outermost, program, was_applied};

/// How many instances of a law are computed.
const INSTANCES: usize = 6;
/// How many inputs are drawn for each.
const DRAWS: u64 = 300;

/// What is smaller than the smallest normal number counts as lost.
const SMALLEST_NORMAL: f64 = 1.175_494_350_822_287_5e-38;

/// An instance that a law was applied to.
struct Instance {
    text: String,
    before: Program,
    after: Program,
}

/// Instances that the law was applied to.
fn instances(law: &ParsedLaw) -> Vec<Instance> {
    let mut found = Vec::new();
    for choice in choices(law, None) {
        let text = file(&law.left, &choice, law);
        let Some(before) = program(&text) else { continue };
        let (after, applied) = by_this_law(law, &before);
        if was_applied(law, &applied) {
            found.push(Instance { text, before, after });
        }
        if found.len() == INSTANCES {
            break;
        }
    }
    found
}

#[test]
fn names_of_laws_are_unique() {
    let mut names: Vec<&str> = catalogue::laws().map(|law| law.name.as_str()).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn laws_stand_in_the_row_that_they_begin_with() {
    for law in catalogue::laws() {
        assert_eq!(outermost(&law.left), Some(law.operation), "{}", law.name);
    }
}

#[test]
fn laws_are_applied_and_hold() {
    let mut wrong = Vec::new();
    for law in catalogue::laws() {
        let instances = instances(law);
        let Some(first) = instances.first() else {
            wrong.push(format!("`{}` is never applied", law.name));
            continue;
        };
        if was_applied(law, &simplify_with(&first.before, &Without { laws: vec![law], ..Without::default() }).1) {
            wrong.push(format!("`{}` cannot be left out", law.name));
        }
        wrong.extend(instances.iter().find_map(|instance| check(law, instance).err()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn laws_are_not_applied_where_a_condition_fails() {
    let mut wrong = Vec::new();
    for law in catalogue::laws() {
        let refused = |choice: &Choice| {
            let before = program(&file(&law.left, choice, law))?;
            Some(!was_applied(law, &by_this_law(law, &before).1))
        };
        for (number, condition) in law.conditions.iter().enumerate() {
            if !choices(law, Some(number)).iter().filter_map(refused).any(|refused| refused) {
                wrong.push(format!("no instance of `{}` is refused although `{condition}` fails", law.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Draws inputs, and compares both sides in float64 and in float32.
fn check(law: &ParsedLaw, instance: &Instance) -> Result<(), String> {
    let Instance { text, before, after } = instance;
    let mut compared = 0;
    for seed in 0..DRAWS {
        let inputs = draw(before, seed);
        let of = |id: InputId| inputs[id.0 as usize].clone();
        let (left, right) = (calculate(before, &of), calculate(after, &of));
        assert_eq!(left.len(), right.len(), "{}\n{text}", law.name);
        for (left, right) in left.iter().zip(&right) {
            let describe = |why| format!("`{}`, {why}\n{text}{inputs:?}\nleft  {left:?}\nright {right:?}", law.name);
            compared += u32::from(compare(law, *left, *right).map_err(describe)?);
        }
    }
    if compared > 20 { Ok(()) } else { Err(format!("`{}` is compared {compared} times only\n{text}", law.name)) }
}

/// Whether there was something to compare, or what is wrong.
fn compare(law: &ParsedLaw, left: Number, right: Number) -> Result<bool, &'static str> {
    if law.law.accuracy == Accuracy::Loose {
        return loosely(left, right);
    }
    if left.single.is_finite() && !right.single.is_finite() {
        return Err("a finite result is lost");
    }
    if left.value.is_nan() {
        return if right.value.is_nan() || left.overflowed { Ok(false) } else { Err("NaN is lost") };
    }
    if !left.single.is_finite() || !left.value.is_finite() {
        return Ok(false);
    }
    match law.law.accuracy {
        Accuracy::Exact if left.single == right.single && left.value == right.value => Ok(true),
        Accuracy::Exact => Err("the bits differ"),
        Accuracy::Rounding(factor) => {
            let allowed = f64::from(factor) * left.bound + SMALLEST_NORMAL;
            let error = (right.single - left.value).abs();
            if error > allowed || (right.bound > allowed && left.bound.is_finite()) {
                Err("the error grows")
            } else {
                Ok(true)
            }
        }
        Accuracy::Loose => Ok(false),
    }
}

/// Equal in float64 where nothing cancels or overflows.
fn loosely(left: Number, right: Number) -> Result<bool, &'static str> {
    let moderate = |value: f64| (1e-6..1e6).contains(&value.abs());
    if !(moderate(left.value) && moderate(right.value)) || right.bound > 1e-3 * right.value.abs() {
        return Ok(false);
    }
    if (left.value - right.value).abs() <= 1e-9 * left.value.abs() { Ok(true) } else { Err("the sides differ") }
}

/// Components by input: of one size, of all sizes, nearly the same, whole, zero.
fn draw(program: &Program, seed: u64) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed);
    let kind = seed % 6;
    let common = random.real(-2.0, 2.0);
    let mut component = || -> f64 {
        let value = match kind {
            0 => random.real(-2.0, 2.0),
            1 => random.real(0.1, 3.0),
            2 => common * (1.0 + random.integer(-3, 3) as f64 * 6e-8),
            3 => random.integer(-4, 4) as f64,
            4 => random.real(-90.0, 90.0),
            _ => 10f64.powf(random.real(-37.0, 37.0)) * if random.percent(50) { 1.0 } else { -1.0 },
        };
        f64::from(value as f32)
    };
    program.inputs.iter().map(|input| (0..input.dim).map(|_| component()).collect()).collect()
}

#[test]
fn what_is_always_applied_is_never_dearer_in_kind() {
    // A law that is applied without a look at its price must not bring in a function that the left side does not have.
    let price = |program: &Program| {
        let without = Without { rules: vec!["apply_laws"], ..Without::default() };
        let program = hoist(simplify_without(program.clone(), &without));
        let cost = cost(&program, &program.entries[0]);
        cost.per_i.cycles() + cost.per_call.cycles()
    };
    let mut wrong = Vec::new();
    for law in catalogue::laws().filter(|law| is_always_applied(law)) {
        for Instance { text, before, after } in instances(law) {
            let (before, after) = (price(&before), price(&after));
            if after > before + 0.5 {
                wrong.push(format!("`{}`: {before} cycles become {after}\n{text}", law.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
