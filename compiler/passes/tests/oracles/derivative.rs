//! A derivative in two ways: by the gradient texts of the tables, and by automatic differentiation of the *values* of their rows in [`Dual`]
//! numbers.
//!
//! A derivative is a sequence of steps, each with respect to one input: forward (`Diff`, in a direction) or reverse (`Grad`, with a cotangent).
//! Both sides are reduced to one number. For a weight w of the form of the last result,
//!
//! ```text
//! forward    ⟨Dᵥf·t, w⟩   =  Dᵥ⟨f, w⟩·t          v moves along t, the weight of f is w
//! reverse    ⟨Dᵥfᵀ·e, w⟩  =  Dᵥ⟨f, e⟩·w          v moves along w, the weight of f is e
//! ```
//!
//! so that any sequence is one coefficient of one evaluation of f.
//!
//! A formula without reductions inside is differentiated pair by pair. Its directions and weights are then the same for all pairs, and what is
//! compared is the sum over all of them.

use keopsc_ir::formula::{InputId, NodeId, Program};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::Number;
use keopsc_passes::differentiate::differentiate;

use crate::cases::{Case, SIZES, add_input, contains_reduction, run, with_output};
use crate::numbers::dual::{Dual, Smoothness};

/// One derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub variable: InputId,
    pub reverse: bool,
}

/// A derivative of a case as a program, and how long its directions and its result are.
pub struct Derivative {
    /// What is differentiated.
    of: Program,
    pub program: Program,
    pub steps: Vec<Step>,
    lengths: Vec<usize>,
    result: usize,
}

/// The numbers that a derivative is compared for.
pub struct Point<C> {
    pub values: Vec<Vec<C>>,
    directions: Vec<Vec<C>>,
    weight: Vec<C>,
}

/// The summands of the one number that both sides are reduced to.
pub struct Sides<C> {
    /// What is differentiated.
    pub values: Vec<C>,
    pub by_rules: Vec<C>,
    pub by_texts: Vec<C>,
    pub is_smooth: bool,
}

impl Derivative {
    /// `None` where something inside has no derivative.
    pub fn new(case: &Case, steps: &[Step]) -> Option<Derivative> {
        let mut program = case.program.clone();
        let mut current = case.node;
        let pair_by_pair = !contains_reduction(&program.graph, current);
        let mut rows = if pair_by_pair { Role::Parameter } else { program.graph.node(current).role };
        let of = output(&program, current, pair_by_pair);
        let mut lengths = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let variable = program.input(step.variable).clone();
            let node = program.graph.input(step.variable, &variable);
            let moved = if pair_by_pair { Role::Parameter } else { variable.role };
            let dim = program.graph.node(current).dim;
            let (role, dim) = if step.reverse { (rows, dim) } else { (moved, variable.dim) };
            let direction = add_input(&mut program, &format!("direction{number}"), role, dim);
            lengths.push(SIZES.rows(role) * dim as usize);
            rows = if step.reverse { moved } else { rows };
            let role = if pair_by_pair { program.graph.role(&[current, node]) } else { rows };
            current = if step.reverse {
                program.graph.gradient(current, node, direction, role)
            } else {
                program.graph.tangent(current, node, direction, role)
            };
        }
        let result = SIZES.rows(rows) * program.graph.node(current).dim as usize;
        let program = differentiate(output(&program, current, pair_by_pair)).ok()?;
        Some(Derivative { of, program, steps: steps.to_vec(), lengths, result })
    }

    pub fn draw<C>(&self, case: &Case, mut number: impl FnMut((f64, f64)) -> C) -> Point<C> {
        let mut list = |length: usize, interval| -> Vec<C> { (0..length).map(|_| number(interval)).collect() };
        let inputs = case.program.inputs.iter().enumerate();
        let values = inputs
            .map(|(position, input)| list(SIZES.rows(input.role) * input.dim as usize, case.interval(position)))
            .collect();
        let directions = self.lengths.iter().map(|&length| list(length, (-1.0, 1.0))).collect();
        Point { values, directions, weight: list(self.result, (-1.0, 1.0)) }
    }

    pub fn sides<C: Number + PartialEq>(&self, point: &Point<C>) -> Sides<C> {
        let inputs: Vec<Vec<C>> = point.values.iter().chain(&point.directions).cloned().collect();
        let by_texts = products(&run(&self.program, &inputs), &point.weight);

        let mut moved: Vec<Vec<Dual<C>>> =
            point.values.iter().map(|values| values.iter().cloned().map(Dual::constant).collect()).collect();
        let mut weight = &point.weight;
        for (number, (step, direction)) in self.steps.iter().zip(&point.directions).enumerate().rev() {
            let along = if step.reverse { weight } else { direction };
            for (value, along) in moved[step.variable.0 as usize].iter_mut().zip(along.iter().cycle()) {
                value.coefficients[1 << number] = along.clone();
            }
            weight = if step.reverse { direction } else { weight };
        }
        let result = run(&self.of, &moved);
        let coefficients: Vec<C> =
            result.iter().map(|value| value.coefficients[(1 << self.steps.len()) - 1].clone()).collect();
        let is_smooth = result.iter().all(|value| value.smoothness == Smoothness::Smooth);
        let values = result.iter().map(|value| value.coefficients[0].clone()).collect();
        Sides { values, by_rules: products(&coefficients, weight), by_texts, is_smooth }
    }
}

/// The program that returns a node, or the sum of what it is for each pair.
fn output(program: &Program, node: NodeId, pair_by_pair: bool) -> Program {
    let mut program = program.clone();
    let rows = if pair_by_pair { Role::I } else { program.graph.node(node).role };
    let node = match pair_by_pair {
        true => program.graph.sum_over(Axis::J, Role::I, node).expect("a sum takes any dimension"),
        false => node,
    };
    with_output(&program, node, rows)
}

/// Products with weights, which are repeated where they are the same for all rows.
pub fn products<C: Number>(values: &[C], weights: &[C]) -> Vec<C> {
    assert_eq!(values.len() % weights.len(), 0);
    let multiply = |(value, weight): (&C, &C)| C::call(Intrinsic::Mul, &[value.clone(), weight.clone()]);
    values.iter().zip(weights.iter().cycle()).map(multiply).collect()
}

/// Random steps, as many as the order says, half of them reverse.
pub fn draw_steps(variables: &[InputId], order: usize, random: &mut Random) -> Vec<Step> {
    (0..order).map(|_| Step { variable: random.pick(variables), reverse: random.percent(50) }).collect()
}
