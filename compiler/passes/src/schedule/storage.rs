//! Where the values of a pass live.

use keopsc_ir::plan::cost::cost;
use keopsc_ir::plan::{Block, Definition, Pass, Value, ValueId};
use keopsc_ops::reductions::Operand;
use keopsc_ops::scalar::{Counter, Index, Scalar};

use super::stretches::{is_exact, unrolled_columns};
use super::{Machine, Storage, UNROLL};

/// Instructions, as formulas have them, of a fold that is a contraction: a squared distance of 3 coordinates has 9, a scalar product of 9 too.
const LEAST_CALLS: u32 = 9;
/// The same where pairs are compared first, or where products are not part of additions: a squared distance of 10 coordinates.
const LEAST_CALLS_KEPT: u32 = 30;

pub(super) fn choose_storage(pass: &Pass, kept: &[ValueId], machine: &Machine) -> Vec<Storage> {
    let evaluations = count_evaluations(pass);
    let mut looped = vec![false; pass.values.len()];
    for value in &pass.values {
        match &value.definition {
            Definition::Compute(Scalar::Fold { counter, body, .. }) if is_contraction(pass, value, machine) => {
                mark_looped(body, &[*counter], &mut looped);
            }
            Definition::Compute(body) => {
                let counters = if value.dim > UNROLL { vec![Counter(0)] } else { Vec::new() };
                mark_looped(body, &counters, &mut looped);
            }
            _ => {}
        }
    }
    let storage = |(number, value): (usize, &Value)| {
        let long = value.dim > UNROLL;
        if !matches!(value.definition, Definition::Compute(_)) {
            Storage::Memory
        } else if is_contraction(pass, value, machine) || kept.contains(&ValueId(number as u32)) {
            Storage::Kept
        } else if evaluations[number] == 1 && value.block == Block::Pair {
            Storage::Inline
        } else if long || looped[number] {
            Storage::Memory
        } else {
            Storage::Registers
        }
    };
    pass.values.iter().enumerate().map(storage).collect()
}

/// How often a component of each value that pairs use would be computed if its expression stood wherever it is read; 2 stands for any more.
fn count_evaluations(pass: &Pass) -> Vec<u32> {
    let mut evaluations = vec![0; pass.values.len()];
    for value in &pass.values {
        let Definition::Compute(body) = &value.definition else { continue };
        let (inner, once) = match body {
            Scalar::Fold { body, counter, .. } if value.dim == 1 => (&**body, *counter),
            body => (body, Counter(0)),
        };
        let repeated = inner.contains_fold();
        let single = value.dim == 1 && once == Counter(0);
        inner.for_each_read(&mut |id, index| {
            let same = *index == Index::Counter(once) || (single && *index == Index::Constant(0));
            evaluations[id.0 as usize] += if same && !repeated { 1 } else { 2 };
        });
    }
    for accumulation in &pass.accumulations {
        for (position, argument) in accumulation.arguments.iter().enumerate() {
            let rule = &accumulation.rule;
            let lets = rule.update_lets.iter().map(|item| (item.dim, &item.value));
            let updates = rule.slots.iter().map(|slot| slot.dim).zip(&rule.update);
            let mut reads = 0;
            for (dim, body) in lets.chain(updates) {
                body.for_each_read(&mut |operand, index| {
                    let same = *index == Index::K || (dim == 1 && *index == Index::Constant(0));
                    let this = *operand == Operand::Argument(position as u32);
                    reads += if !this {
                        0
                    } else if same {
                        1
                    } else {
                        2
                    };
                });
            }
            evaluations[argument.0 as usize] += reads;
        }
    }
    evaluations
}

/// Marks the values of which a component is read whose number is known only at run time.
fn mark_looped(scalar: &Scalar<ValueId>, counters: &[Counter], looped: &mut [bool]) {
    match scalar {
        Scalar::Component(value, index) => {
            if counters.iter().any(|counter| index.mentions(*counter)) {
                looped[value.0 as usize] = true;
            }
        }
        Scalar::Call(_, arguments) => arguments.iter().for_each(|argument| mark_looped(argument, counters, looped)),
        Scalar::Fold { counter, count, body, .. } => {
            let mut counters = counters.to_vec();
            if *count > UNROLL {
                counters.push(*counter);
            }
            mark_looped(body, &counters, looped);
        }
        Scalar::Choose { then, otherwise, .. } => {
            mark_looped(then, counters, looped);
            mark_looped(otherwise, counters, looped);
        }
        Scalar::Constant(_) | Scalar::Index(_) => {}
    }
}

/// A scalar pair value that is a fold over row, column and parameter values only, long enough to be worth a loop of its own for all columns of a tile:
/// what is left of the pair's work then has the registers for itself.
pub(super) fn is_contraction(pass: &Pass, value: &Value, machine: &Machine) -> bool {
    // Of dear pairs no other layout computes several columns together: sums of blocks are made on all machines or on none.
    let is_dear = || unrolled_columns(cost(pass).per_pair.cycles()) == 1;
    let least = if machine.fused || is_dear() { LEAST_CALLS } else { LEAST_CALLS_KEPT };
    is_long(pass, value, least)
}

pub(super) fn has_contractions(pass: &Pass, machine: &Machine) -> bool {
    pass.block(Block::Pair).any(|(_, value)| is_contraction(pass, value, machine))
}

/// Whether a pass has contractions on any machine.
pub(super) fn may_have_contractions(pass: &Pass) -> bool {
    pass.block(Block::Pair).any(|(_, value)| is_long(pass, value, LEAST_CALLS))
}

fn is_long(pass: &Pass, value: &Value, least: u32) -> bool {
    let Definition::Compute(Scalar::Fold { count, body, .. }) = &value.definition else { return false };
    let (mut own, mut calls) = (true, 0u32);
    body.for_each_read(&mut |id, _| own &= pass.value(*id).block != Block::Pair);
    body.visit(&mut |part| calls += u32::from(matches!(part, Scalar::Call(..))));
    let compares = is_exact(pass) || pass.accumulations.iter().any(|one| one.rule.raising.is_some());
    let least = if compares { LEAST_CALLS_KEPT } else { least };
    own && value.dim == 1 && (*count > UNROLL || count.saturating_mul(calls) >= least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Ports;
    use keopsc_ir::plan::parse::parse;

    /// Where `v2`, a vector of the pair, lives if that is what is made of it.
    fn storage(dim: u32, body: &str) -> Storage {
        let text = format!(
            "plan f\ntensor x: input i[3] f32\ntensor y: input j[3] f32\ntensor f: output i[{dim}] f32\n\
             pass rows i, over j, compute f32\n  row v0[3] = read x\n  column v1[3] = read y\n  pair v2[3] = exp(v0[k] - v1[k])\n  \
             pair v3[{dim}] = {body}\n  accumulate a0 = Sum(v3)\n  epilogue v4[{dim}] = outcome a0\n  write f = v4\n"
        );
        let plan = parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let ports = Ports { products: 2, sums: 2, computing: 4, loads: 2, stores: 2, all: 5, latency: 4, quotient: 5 };
        let machine = Machine { lanes_f32: 8, registers: 16, fused: true, tables: true, ports };
        choose_storage(&plan.passes[0], &[], &machine)[2]
    }

    #[test]
    fn what_is_computed_once_wherever_it_is_read_is_computed_there() {
        for (dim, body) in [(1, "sum(q < 3, v2[q])"), (1, "-v2[0]"), (3, "-v2[k]")] {
            assert_eq!(storage(dim, body), Storage::Inline, "{body}");
        }
        let more_often = [
            (1, "sum(q < 3, v2[q] * v2[q])"),
            (1, "sum(q < 3, v2[0])"),
            (1, "sum(q < 3, sum(q2 < 3, v2[q2]))"),
            (3, "sum(q < 3, v2[q])"),
            (3, "v2[0] + v2[k]"),
        ];
        for (dim, body) in more_often {
            assert_eq!(storage(dim, body), Storage::Registers, "{body}");
        }
    }
}
