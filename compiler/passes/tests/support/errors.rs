//! A calculator in three numbers: the value in float64, the value with every operation rounded to float32, and a bound on the error of the latter.
//!
//! The bound is the sum of what each operation adds: the error of its arguments, as far as it changes the result, and its own rounding.

use keopsc_ir::formula::{InputId, NodeId, NodeKind, Program};
use keopsc_ops::catalogue;
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Counter, Index, Scalar};

/// Half the distance from 1 to the next float32.
const UNIT: f64 = 5.960_464_477_539_063e-8;

/// Below the smallest normal float32 numbers lie this far apart.
const SMALLEST: f64 = 1.401_298_464_324_817e-45;

/// A computed number.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Without rounding to float32.
    pub value: f64,
    /// In float32.
    pub single: f64,
    /// How far the two may be apart, to first order.
    pub bound: f64,
    /// Whether it is written in the formula.
    pub constant: bool,
    /// Whether something on the way to it was infinite, or vanished.
    pub overflowed: bool,
}

impl Number {
    /// A number that is given, rounded if it is no float32.
    pub fn given(value: f64) -> Number {
        let single = f64::from(value as f32);
        Number { value, single, bound: (single - value).abs(), constant: false, overflowed: false }
    }
}

/// The first row of a program's first result; `inputs` are components by input.
pub fn calculate(program: &Program, inputs: &dyn Fn(InputId) -> Vec<f64>) -> Vec<Number> {
    let mut known: Vec<Vec<Number>> = Vec::with_capacity(program.graph.len());
    for (_, node) in program.graph.nodes() {
        known.push(match &node.kind {
            NodeKind::Input(id) => inputs(*id).into_iter().map(Number::given).collect(),
            NodeKind::Constant(value) => vec![Number { constant: true, ..Number::given(value.0) }],
            NodeKind::Operation { operation, parameters, arguments } => {
                let dims: Vec<u32> = program.graph.dims(arguments);
                let recipe = catalogue::instantiate(*operation, &dims, parameters).expect("it fits");
                let component = |argument: &u32, index: usize| known[arguments[*argument as usize].0 as usize][index];
                (0..node.dim)
                    .map(|k| Calculator { component: &component, counters: vec![k.into()] }.of(&recipe))
                    .collect()
            }
            _ => panic!("a law of operations has operations only"),
        });
    }
    let NodeId(result) = program.entries[0].outputs[0].node;
    known.swap_remove(result as usize)
}

struct Calculator<'c> {
    component: &'c dyn Fn(&u32, usize) -> Number,
    counters: Vec<i64>,
}

impl Calculator<'_> {
    fn of(&mut self, scalar: &Scalar<u32>) -> Number {
        match scalar {
            Scalar::Constant(value) => Number::given(*value),
            Scalar::Component(argument, index) => (self.component)(argument, self.index(index) as usize),
            Scalar::Index(index) => Number::given(self.index(index) as f64),
            Scalar::Call(intrinsic, arguments) => {
                let arguments: Vec<Number> = arguments.iter().map(|argument| self.of(argument)).collect();
                call(*intrinsic, &arguments)
            }
            Scalar::Fold { with, counter, count, body } => {
                let mut total = self.at(*counter, 0, body);
                for step in 1..*count {
                    total = call(*with, &[total, self.at(*counter, step, body)]);
                }
                total
            }
            Scalar::Choose { left, comparison, right, then, otherwise } => {
                let holds = comparison.holds(self.index(left), self.index(right));
                self.of(if holds { then } else { otherwise })
            }
        }
    }

    fn at(&mut self, counter: Counter, value: u32, body: &Scalar<u32>) -> Number {
        let place = counter.0 as usize;
        self.counters.resize(self.counters.len().max(place + 1), 0);
        self.counters[place] = value.into();
        self.of(body)
    }

    fn index(&self, index: &Index) -> i64 {
        index.evaluate(&|counter| self.counters.get(counter.0 as usize).copied()).expect("an index")
    }
}

fn call(intrinsic: Intrinsic, arguments: &[Number]) -> Number {
    let values: Vec<f64> = arguments.iter().map(|argument| argument.value).collect();
    let singles: Vec<f64> = arguments.iter().map(|argument| argument.single).collect();
    let value = intrinsic.evaluate(&values);
    let single = f64::from(intrinsic.evaluate(&singles) as f32);
    // A product with a constant power of two is exact.
    let is_power = |argument: &Number| argument.constant && argument.value.abs().log2().fract() == 0.0;
    let is_exact = !intrinsic.rounds() || (intrinsic == Intrinsic::Mul && arguments.iter().any(is_power));
    let own = (1.0 + 2.0 * intrinsic.ulp()) * UNIT * value.abs() + SMALLEST;
    let mut bound = if is_exact { 0.0 } else { own };
    for (place, argument) in arguments.iter().enumerate().filter(|(_, argument)| argument.bound > 0.0) {
        let at = |value: f64| {
            let mut moved = values.clone();
            moved[place] = value;
            intrinsic.evaluate(&moved)
        };
        let change = |moved: f64| (at(moved) - value).abs();
        bound += change(argument.value + argument.bound).max(change(argument.value - argument.bound));
    }
    // A comparison whose sides' errors let it come out either way.
    let sides: f64 = arguments.iter().map(|argument| argument.bound).sum();
    if intrinsic.result() != keopsc_ops::intrinsics::Kind::Real && (values[0] - values[1]).abs() <= sides {
        bound = 1.0;
    }
    let vanished = value == 0.0 && multiplies(intrinsic) && !values.contains(&0.0);
    let overflowed = vanished || value.is_infinite() || single.is_infinite();
    let overflowed = overflowed || arguments.iter().any(|argument| argument.overflowed);
    Number { value, single, bound, constant: false, overflowed }
}

/// Whether a result may be 0 because it is too small for a number.
fn multiplies(intrinsic: Intrinsic) -> bool {
    use Intrinsic::*;
    matches!(intrinsic, Mul | Div | Exp | Exp2 | Pow)
}
