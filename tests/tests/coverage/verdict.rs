//! The comparisons of one case. Each cell of the table is one of these, for all cases of its row.
//!
//! | cell | compiled code | compared with |
//! | --- | --- | --- |
//! | value | float64 | the interpreter, on the formula as written |
//! | gradient, forward | float64 | central differences of the interpreter's value |
//! | second gradient | float64 | central differences of the interpreter's first gradient |
//! | float64 | all outputs | the interpreter, on their formulas as differentiated |
//! | float32 | all outputs | those in float64 |

use super::compiled::Library;
use super::formulas::Case;
use super::interpreter::{Direction, Point};

/// What a comparison found; of several, the last of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is nothing to compare.
    Nothing,
    /// The derivative is zero, and so are differences.
    Zero,
    /// They agree.
    Yes,
    /// The front end refuses the derivative.
    Refused,
    /// They do not agree.
    Wrong,
}

/// The verdicts of a case, or the worst ones of several.
#[derive(Clone, Debug)]
pub struct Verdicts {
    pub value: Verdict,
    pub gradient: Verdict,
    pub second: Verdict,
    pub forward: Verdict,
    pub float64: Verdict,
    pub float32: Verdict,
    /// What does not agree, in words.
    pub wrong: Vec<String>,
    /// What the front end says where it refuses.
    pub refused: Option<String>,
}

impl Verdicts {
    const NOTHING: Verdicts = Verdicts {
        value: Verdict::Nothing,
        gradient: Verdict::Nothing,
        second: Verdict::Nothing,
        forward: Verdict::Nothing,
        float64: Verdict::Nothing,
        float32: Verdict::Nothing,
        wrong: Vec::new(),
        refused: None,
    };

    /// The verdicts of several cases.
    pub fn of_all<'v>(all: impl Iterator<Item = &'v Verdicts>) -> Verdicts {
        all.fold(Verdicts::NOTHING, |sum, one| Verdicts {
            value: sum.value.max(one.value),
            gradient: sum.gradient.max(one.gradient),
            second: sum.second.max(one.second),
            forward: sum.forward.max(one.forward),
            float64: sum.float64.max(one.float64),
            float32: sum.float32.max(one.float32),
            wrong: [sum.wrong, one.wrong.clone()].concat(),
            refused: sum.refused.or_else(|| one.refused.clone()),
        })
    }
}

/// How many points are drawn until the formula is smooth at one.
const DRAWS: u64 = 12;

/// The largest errors: of differences, relative to the terms of a sum, and where the derivative is zero; of float64, relative to the largest number of a result; of float32,
/// in changes of the result by one unit in the last place of the inputs.
const DIFFERENCES: f64 = 1e-6;
const ZERO: f64 = 1e-9;
const FLOAT64: f64 = 1e-10;
pub const FLOAT32: f64 = 32.0;

/// Judges a case with the libraries that it is in: at a point of the row's domain, and at one of all numbers if there is one where it is smooth.
pub fn judge(case: &Case, float64: &Library, float32: &Library) -> Verdicts {
    let judge = |(derivatives, point)| judge_point(case, &point, derivatives, (float64, float32));
    let inside = (0..DRAWS).find_map(|seed| smooth(case, Point::draw(case, seed)));
    let outside = (0..DRAWS).find_map(|seed| smooth(case, Point::draw_widely(case, seed)));
    match inside.map(judge) {
        Some(inside) => Verdicts::of_all([inside].iter().chain(outside.map(judge).iter())),
        None => Verdicts {
            value: Verdict::Wrong,
            wrong: vec![format!("{}: it is nowhere smooth", case.what)],
            ..Verdicts::NOTHING
        },
    }
}

/// A point with its derivatives by differences, if it is one.
fn smooth<'c>(case: &Case, point: Point<'c>) -> Option<(Vec<Derivative>, Point<'c>)> {
    Some((differences(case, &point)?, point))
}

fn judge_point(
    case: &Case,
    point: &Point<'_>,
    derivatives: Vec<Derivative>,
    libraries: (&Library, &Library),
) -> Verdicts {
    let mut verdicts = Verdicts { refused: case.refused.clone(), ..Verdicts::NOTHING };
    for number in case.compiled() {
        judge_precision(case, number, point, libraries, &mut verdicts);
    }
    if case.refused.is_some() {
        (verdicts.gradient, verdicts.second, verdicts.forward) = (Verdict::Refused, Verdict::Refused, Verdict::Refused);
    }
    for derivative in derivatives {
        let (verdict, found) = derivative.judge(&libraries.0.run(case, derivative.entry, point));
        let cell = match derivative.kind {
            Kind::Gradient => &mut verdicts.gradient,
            Kind::Second => &mut verdicts.second,
            Kind::Forward => &mut verdicts.forward,
        };
        *cell = verdict.max(*cell);
        if verdict == Verdict::Wrong {
            let (name, expected) = (&case.program.entries[derivative.entry].name, &derivative.expected);
            verdicts.wrong.push(format!("{}, {name}: {found:?} where differences give {expected:?}", case.what));
        }
    }
    verdicts
}

/// An output in float64 against the interpreter, and in float32 against float64.
fn judge_precision(
    case: &Case,
    number: usize,
    point: &Point<'_>,
    libraries: (&Library, &Library),
    verdicts: &mut Verdicts,
) {
    let entry = &case.program.entries[number];
    let expected = point.evaluate(entry);
    let (wide, narrow) = (libraries.0.run(case, number, point), libraries.1.run(case, number, point));
    let size = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let bound = FLOAT64 * size + 1e3 * point.sensitivity(entry, 1e-13);
    let in_float64 = verdict(&expected, &wide, bound);
    let unit = f64::from(f32::EPSILON);
    let in_float32 = verdict(&wide, &narrow, FLOAT32 * (unit * size + point.sensitivity(entry, unit)));
    if number == Case::VALUE {
        verdicts.value = in_float64;
    }
    verdicts.float64 = verdicts.float64.max(in_float64);
    verdicts.float32 = verdicts.float32.max(in_float32);
    if in_float64.max(in_float32) == Verdict::Wrong {
        let what = format!("{}, {}: {expected:?}, compiled {wide:?}, in float32 {narrow:?}", case.what, entry.name);
        verdicts.wrong.push(what);
    }
}

/// Whether all numbers are there and none is off by more than a bound.
fn verdict(expected: &[f64], found: &[f64], bound: f64) -> Verdict {
    let close = expected.iter().zip(found).all(|(expected, found)| (expected - found).abs() <= bound);
    if close && expected.len() == found.len() { Verdict::Yes } else { Verdict::Wrong }
}

/// A derivative as differences have it.
struct Derivative {
    kind: Kind,
    /// The output that computes it.
    entry: usize,
    /// What the numbers of a gradient are multiplied with, to be summed.
    direction: Option<Vec<f64>>,
    /// By differences: one number for a gradient in a direction, else all of the output.
    expected: Vec<f64>,
}

#[derive(Clone, Copy)]
enum Kind {
    Gradient,
    Second,
    Forward,
}

impl Derivative {
    /// Whether an output is this derivative, and what of it was compared.
    fn judge(&self, output: &[f64]) -> (Verdict, Vec<f64>) {
        let (found, terms) = match &self.direction {
            Some(direction) => {
                let terms: Vec<f64> = output.iter().zip(direction).map(|(slope, step)| slope * step).collect();
                (vec![terms.iter().sum()], terms)
            }
            None => (output.to_vec(), output.to_vec()),
        };
        let size: f64 = terms.iter().chain(&self.expected).map(|term| term.abs()).sum();
        let is_zero = output.iter().all(|number| *number == 0.0) && size <= ZERO;
        let verdict = if is_zero { Verdict::Zero } else { verdict(&self.expected, &found, DIFFERENCES * size) };
        (verdict, found)
    }
}

/// All derivatives of a case by differences; `None` where it is not smooth.
fn differences(case: &Case, point: &Point<'_>) -> Option<Vec<Derivative>> {
    if case.variables.is_empty() {
        return Some(Vec::new());
    }
    let entries = &case.program.entries;
    let (_, cotangent) = point.input("e");
    let mut derivatives = Vec::new();
    let mut tangents = Direction::new();
    for (place, variable) in case.variables.iter().enumerate() {
        let along = point.direction(variable, 100 + place as u64);
        let direction = Some(along[0].1.clone());
        let slopes = point.difference(&entries[Case::VALUE], &along)?;
        let expected = vec![slopes.iter().zip(cotangent).map(|(slope, weight)| slope * weight).sum()];
        let entry = Case::gradient(place);
        derivatives.push(Derivative { kind: Kind::Gradient, entry, direction: direction.clone(), expected });
        let expected = point.difference(&entries[Case::GRADIENTS], &along)?;
        derivatives.push(Derivative { kind: Kind::Second, entry: Case::second(place), direction, expected });
        tangents.push((along[0].0, point.input(&format!("t{place}")).1.to_vec()));
    }
    let mut expected = point.difference(&entries[Case::VALUE], &tangents)?;
    // Row numbers beside values have no derivative.
    expected.truncate(cotangent.len());
    derivatives.push(Derivative { kind: Kind::Forward, entry: case.forward(), direction: None, expected });
    Some(derivatives)
}
