//! The reference interpreter of plans: pass by pass, in float64 or other numbers, by plain loops over rows and columns.
//!
//! Storage types do not round here, so a plan and the formula it came from agree to float64 accuracy, and in exact numbers altogether.

use keopsc_ops::reductions::RowState;
use keopsc_ops::scalar::{self, Number};

use super::{Block, Definition, Pass, Plan, Scatter, TensorKind, ValueId};
use crate::evaluation::{Array, Declaration, EvaluationError, Position, Sizes, bind};
use crate::types::{Axis, Role};

/// The results of a plan that `verify` accepts. `inputs` are its arguments in call order, each `rows × components` numbers.
pub fn evaluate<N: Number>(plan: &Plan, sizes: Sizes, inputs: &[Vec<N>]) -> Result<Vec<Array<N>>, EvaluationError> {
    let arguments = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input);
    let declarations: Vec<Declaration> =
        arguments.map(|tensor| (tensor.name.as_str(), tensor.role, tensor.dim())).collect();
    let mut given = bind(&declarations, sizes, inputs)?.into_iter();
    let mut tensors: Vec<Array<N>> = Vec::new();
    for tensor in &plan.tensors {
        let empty = || Array::zeros(sizes.rows(tensor.role), tensor.dim() as usize);
        tensors.push(if tensor.kind == TensorKind::Input { given.next().unwrap_or_else(empty) } else { empty() });
    }
    for pass in &plan.passes {
        let columns = pass.over.map_or(0, |over| sizes.of(over));
        evaluate_pass(pass, sizes, &mut tensors, Accumulators::same(), |_| (0..columns).collect());
    }
    let kept = plan.tensors.iter().zip(tensors).filter(|(tensor, _)| tensor.kind == TensorKind::Output);
    Ok(kept.map(|(_, array)| array).collect())
}

/// The numbers that states of reductions hold, where others are computed with.
#[derive(Clone, Copy, Debug)]
pub struct Accumulators<N, W> {
    /// What is accumulated for a number.
    pub widen: fn(&N) -> W,
    /// The number that an outcome is.
    pub narrow: fn(&W) -> N,
}

impl<N: Clone> Accumulators<N, N> {
    /// The same numbers.
    pub fn same() -> Self {
        Accumulators { widen: N::clone, narrow: N::clone }
    }
}

/// One pass of a plan whose tensors these are: reads some and writes others. Each row is reduced over the columns that `columns_of` gives for
/// it, one after the other.
pub fn evaluate_pass<N: Number, W: Number>(
    pass: &Pass,
    sizes: Sizes,
    tensors: &mut [Array<N>],
    accumulators: Accumulators<N, W>,
    columns_of: impl Fn(usize) -> Vec<usize>,
) {
    let over = pass.over.unwrap_or(if pass.rows == Role::J { Axis::I } else { Axis::J });
    let columns = pass.over.map_or(0, |over| sizes.of(over));
    let mut values: Vec<Vec<N>> = pass.values.iter().map(|value| vec![N::real(0.0); value.dim as usize]).collect();
    run_block(pass, Block::Parameter, Position { i: 0, j: 0 }, tensors, &mut values);
    let columns = column_values(pass, over, columns, tensors, &mut values);
    for row in 0..sizes.rows(pass.rows) {
        let position = |column| Position::new(pass.rows, row, over, column);
        run_block(pass, Block::Row, position(0), tensors, &mut values);
        let mut states: Vec<RowState<W>> = pass.accumulations.iter().map(|one| one.rule.initial()).collect();
        for number in columns_of(row) {
            for (id, value) in &columns[number] {
                values[id.0 as usize].clone_from_slice(value);
            }
            run_block(pass, Block::Pair, position(number), tensors, &mut values);
            for (state, accumulation) in states.iter_mut().zip(&pass.accumulations) {
                let arguments = accumulation.arguments.iter().map(|id| &values[id.0 as usize]);
                let arguments = arguments.map(|components| components.iter().map(accumulators.widen).collect());
                *state = accumulation.rule.update(state, number as u64, &arguments.collect::<Vec<_>>());
            }
        }
        take_outcomes(pass, &states, accumulators.narrow, &mut values);
        run_block(pass, Block::Epilogue, position(0), tensors, &mut values);
        for write in &pass.writes {
            tensors[write.tensor.0 as usize].row_mut(row).clone_from_slice(&values[write.value.0 as usize]);
        }
    }
    for scatter in &pass.scatters {
        evaluate_scatter(scatter, sizes.rows(pass.rows), tensors);
    }
}

fn evaluate_scatter<N: Number>(scatter: &Scatter, rows: usize, tensors: &mut [Array<N>]) {
    let mut sums = tensors[scatter.sums.0 as usize].clone();
    let ones = vec![N::real(1.0); sums.dim];
    for row in 0..rows {
        let values = scatter.values.map_or(&ones[..], |values| tensors[values.0 as usize].row(row));
        sums.scatter(tensors[scatter.numbers.0 as usize].row(row), values);
    }
    tensors[scatter.sums.0 as usize] = sums;
}

/// The column block's values at every column.
fn column_values<N: Number>(
    pass: &Pass,
    over: Axis,
    columns: usize,
    tensors: &[Array<N>],
    values: &mut [Vec<N>],
) -> Vec<Vec<(ValueId, Vec<N>)>> {
    let at_column = |column| {
        run_block(pass, Block::Column, Position::new(Role::Parameter, 0, over, column), tensors, values);
        pass.block(Block::Column).map(|(id, _)| (id, values[id.0 as usize].clone())).collect()
    };
    (0..columns).map(at_column).collect()
}

fn take_outcomes<N: Number, W: Number>(
    pass: &Pass,
    states: &[RowState<W>],
    narrow: fn(&W) -> N,
    values: &mut [Vec<N>],
) {
    let rules = pass.accumulations.iter().map(|accumulation| &accumulation.rule);
    let outcomes: Vec<Vec<Vec<W>>> = rules.zip(states).map(|(rule, state)| rule.finalize(state)).collect();
    for (id, value) in pass.block(Block::Epilogue) {
        if let Definition::Outcome { accumulation, outcome } = value.definition {
            values[id.0 as usize] = outcomes[accumulation as usize][outcome as usize].iter().map(narrow).collect();
        }
    }
}

fn run_block<N: Number>(pass: &Pass, block: Block, position: Position, tensors: &[Array<N>], values: &mut [Vec<N>]) {
    for (id, value) in pass.block(block) {
        let number = id.0 as usize;
        match &value.definition {
            Definition::Read(tensor) => {
                let role = match block {
                    Block::Row => pass.rows,
                    Block::Column => pass.over.map_or(Role::Parameter, Axis::role),
                    Block::Parameter | Block::Pair | Block::Epilogue => Role::Parameter,
                };
                values[number].clone_from_slice(tensors[tensor.0 as usize].row(position.row(role)));
            }
            Definition::Compute(scalar) => {
                let component = |id: &ValueId, index: usize| values[id.0 as usize][index].clone();
                let computed = (0..value.dim as usize).map(|k| scalar::evaluate(scalar, k, component)).collect();
                values[number] = computed;
            }
            Definition::Number => {
                let role = if block == Block::Row { pass.rows } else { pass.over.map_or(Role::Parameter, Axis::role) };
                values[number][0] = N::real(position.row(role) as f64);
            }
            Definition::Outcome { .. } => (),
        }
    }
}
