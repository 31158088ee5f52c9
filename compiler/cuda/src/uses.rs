//! Which values a pass needs: what is never read is not computed, and nvcc has nothing to warn of.

use keopsc_ir::plan::{Accumulation, Definition, Pass, ValueId};
use keopsc_ops::reductions::{Let, Operand};
use keopsc_ops::scalar::{Counter, Index, Scalar};

/// What is needed for what a pass writes.
#[derive(Clone, Debug)]
pub(crate) struct Needed {
    /// By value.
    pub(crate) values: Vec<bool>,
    /// By accumulation.
    pub(crate) accumulations: Vec<bool>,
}

/// What is needed for what a pass writes.
pub(crate) fn needed(pass: &Pass) -> Needed {
    let values = vec![false; pass.values.len()];
    let mut needed = Needed { values, accumulations: vec![false; pass.accumulations.len()] };
    let mut pending: Vec<ValueId> = pass.writes.iter().map(|write| write.value).collect();
    while let Some(id) = pending.pop() {
        if std::mem::replace(&mut needed.values[id.0 as usize], true) {
            continue;
        }
        match &pass.value(id).definition {
            Definition::Read(_) | Definition::Number => {}
            Definition::Compute(scalar) => for_each_read(scalar, &mut |value, _| pending.push(value)),
            Definition::Outcome { accumulation, .. } => {
                needed.accumulations[*accumulation as usize] = true;
                pending.extend(arguments_read(&pass.accumulations[*accumulation as usize]));
            }
        }
    }
    needed
}

/// The arguments that an accumulation's rule looks at.
pub(crate) fn arguments_read(accumulation: &Accumulation) -> Vec<ValueId> {
    let mut found = Vec::new();
    for (_, scalar) in update_expressions(accumulation) {
        for_each_read(scalar, &mut |operand, _| {
            if let Operand::Argument(position) = operand {
                found.extend(accumulation.arguments.get(position as usize));
            }
        });
    }
    found
}

/// Components and expressions of the update, with the `let`s that it needs.
fn update_expressions(accumulation: &Accumulation) -> impl Iterator<Item = (u32, &Scalar<Operand>)> {
    let rule = &accumulation.rule;
    let lets = lets_needed(&rule.update_lets, &rule.update);
    let lets = rule.update_lets.iter().zip(lets).filter(|(_, needed)| *needed).map(|(item, _)| (item.dim, &item.value));
    lets.chain(rule.slots.iter().map(|slot| slot.dim).zip(&rule.update))
}

/// Which `let`s a phase needs.
pub(crate) fn lets_needed(lets: &[Let], rules: &[Scalar<Operand>]) -> Vec<bool> {
    let mut needed = vec![false; lets.len()];
    let mark = |scalar: &Scalar<Operand>, needed: &mut Vec<bool>| {
        for_each_read(scalar, &mut |operand, _| {
            if let Operand::Let(number) = operand {
                needed[number as usize] = true;
            }
        });
    };
    rules.iter().for_each(|rule| mark(rule, &mut needed));
    for number in (0..lets.len()).rev() {
        if needed[number] {
            mark(&lets[number].value, &mut needed);
        }
    }
    needed
}

/// How often a component of each value is looked at, if its expression stood wherever it is read; 2 stands for any more.
pub(crate) fn evaluations(pass: &Pass, needed: &Needed) -> Vec<u32> {
    let mut counts = vec![0; pass.values.len()];
    for (value, _) in pass.values.iter().zip(&needed.values).filter(|(_, needed)| **needed) {
        if let Definition::Compute(scalar) = &value.definition {
            count_evaluations(scalar, value.dim, &mut |id, count| counts[id.0 as usize] += count);
        }
    }
    for (accumulation, _) in pass.accumulations.iter().zip(&needed.accumulations).filter(|(_, needed)| **needed) {
        for (dim, scalar) in update_expressions(accumulation) {
            count_evaluations(scalar, dim, &mut |operand, count| {
                if let Operand::Argument(position) = operand
                    && let Some(id) = accumulation.arguments.get(position as usize)
                {
                    counts[id.0 as usize] += count;
                }
            });
        }
    }
    counts
}

fn count_evaluations<V: Copy>(scalar: &Scalar<V>, dim: u32, count: &mut impl FnMut(V, u32)) {
    let (inner, counter) = match scalar {
        Scalar::Fold { body, counter, .. } if dim == 1 => (&**body, *counter),
        scalar => (scalar, Counter(0)),
    };
    let mut repeated = false;
    inner.visit(&mut |part| repeated |= matches!(part, Scalar::Fold { .. }));
    for_each_read(inner, &mut |value, index| {
        let once = !repeated && *index == Index::Counter(counter);
        count(value, if once { 1 } else { 2 });
    });
}

/// Calls `see` with everything that an expression reads.
pub(crate) fn for_each_read<V: Copy>(scalar: &Scalar<V>, see: &mut impl FnMut(V, &Index)) {
    scalar.visit(&mut |part| {
        if let Scalar::Component(value, index) = part {
            see(*value, index);
        }
    });
}
