//! A case at a point: random inputs of its row's domain, what the float64 interpreter makes of them, and of points nearby.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::{Entry, InputId};
use keopsc_ir::random::Random;

use super::formulas::Case;

pub const SIZES: Sizes = Sizes { i: 3, j: 4 };

/// The step of central differences, in widths of the domain. Their error after one extrapolation is of its fourth power.
const STEP: f64 = 1e-3;

/// Where arguments of operations are drawn from, too, as long as the formula is smooth there: on both sides of what jumps or bends.
const WIDE: (f64, f64) = (-2.0, 2.0);

/// A case with numbers for all inputs.
pub struct Point<'c> {
    case: &'c Case,
    /// By input.
    values: Vec<Vec<f64>>,
}

/// Where a point is moved: for each input that moves, a number for each of its numbers.
pub type Direction = Vec<(usize, Vec<f64>)>;

impl<'c> Point<'c> {
    /// Random numbers of the row's domain that float32 has, too.
    pub fn draw(case: &'c Case, seed: u64) -> Point<'c> {
        Point::within(case, seed, |name| interval(case, name))
    }

    /// Random numbers from wherever the row may be defined.
    pub fn draw_widely(case: &'c Case, seed: u64) -> Point<'c> {
        Point::within(case, seed, |name| {
            if case.variables.iter().any(|variable| variable == name) { WIDE } else { interval(case, name) }
        })
    }

    fn within(case: &'c Case, seed: u64, interval: impl Fn(&str) -> (f64, f64)) -> Point<'c> {
        let mut random = Random::new(seed);
        let draw = |input: &keopsc_ir::formula::Input| {
            let (low, high) = interval(&input.name);
            let count = SIZES.rows(input.role) * input.dim as usize;
            (0..count).map(|_| f64::from(random.real(low, high) as f32)).collect()
        };
        Point { case, values: case.program.inputs.iter().map(draw).collect() }
    }

    /// The numbers of an entry's inputs.
    pub fn inputs(&self, entry: &Entry) -> Vec<Vec<f64>> {
        entry.inputs.iter().map(|id| self.values[id.0 as usize].clone()).collect()
    }

    /// The numbers of the input of that name.
    pub fn input(&self, name: &str) -> (usize, &[f64]) {
        let number = self.case.program.inputs.iter().position(|input| input.name == name).expect("a declared input");
        (number, &self.values[number])
    }

    /// What the interpreter makes of an entry: its outputs one after the other.
    pub fn evaluate(&self, entry: &Entry) -> Vec<f64> {
        let results = evaluate(&self.case.program, entry, SIZES, &self.inputs(entry));
        results.expect("the case can be evaluated").into_iter().flat_map(|array| array.values).collect()
    }

    /// How much an entry's outputs change, each at most, where all inputs change by up to that much of themselves.
    pub fn sensitivity(&self, entry: &Entry, relative: f64) -> f64 {
        let here = self.evaluate(entry);
        let mut most = 0.0_f64;
        for seed in 0..3 {
            let mut random = Random::new(seed);
            let mut moved = |value: &f64| value * (1.0 + if random.percent(50) { relative } else { -relative });
            let values = self.values.iter().map(|values| values.iter().map(&mut moved).collect()).collect();
            let there = Point { case: self.case, values }.evaluate(entry);
            most = here.iter().zip(&there).fold(most, |most, (here, there)| most.max((here - there).abs()));
        }
        most
    }

    /// A random direction in one input.
    pub fn direction(&self, name: &str, seed: u64) -> Direction {
        let (number, values) = self.input(name);
        let mut random = Random::new(seed);
        vec![(number, values.iter().map(|_| random.real(-1.0, 1.0)).collect())]
    }

    /// The derivative of an entry's outputs in a direction, by central differences; `None` where half the step gives something else, so that the
    /// formula is not smooth here.
    pub fn difference(&self, entry: &Entry, direction: &Direction) -> Option<Vec<f64>> {
        let narrowest = direction.iter().map(|(number, _)| {
            let (low, high) = interval(self.case, &self.case.program.input(InputId(*number as u32)).name);
            (high - low).min(1.0)
        });
        let step = STEP * narrowest.fold(1.0, f64::min);
        let (coarse, fine) = (self.central(entry, direction, step), self.central(entry, direction, step / 2.0));
        let size = fine.iter().fold(1e-3, |most: f64, slope| most.max(slope.abs()));
        let is_smooth = coarse.iter().zip(&fine).all(|(coarse, fine)| (coarse - fine).abs() <= 1e-3 * size);
        is_smooth.then(|| coarse.iter().zip(&fine).map(|(coarse, fine)| fine + (fine - coarse) / 3.0).collect())
    }

    fn central(&self, entry: &Entry, direction: &Direction, step: f64) -> Vec<f64> {
        let (above, below) =
            (self.moved(direction, step).evaluate(entry), self.moved(direction, -step).evaluate(entry));
        above.iter().zip(&below).map(|(above, below)| (above - below) / (2.0 * step)).collect()
    }

    fn moved(&self, direction: &Direction, step: f64) -> Point<'c> {
        let mut values = self.values.clone();
        for (number, slopes) in direction {
            values[*number].iter_mut().zip(slopes).for_each(|(value, slope)| *value += step * slope);
        }
        Point { case: self.case, values }
    }
}

fn interval(case: &Case, name: &str) -> (f64, f64) {
    case.intervals.iter().find(|(known, _)| known == name).map_or((-1.0, 1.0), |(_, interval)| *interval)
}
