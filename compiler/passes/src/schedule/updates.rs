//! When accumulations take columns in, and what has to be kept for those that wait.

use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, ValueId};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::Operand;
use keopsc_ops::scalar::Index;

use super::stretches::is_exact;
use super::{Machine, UNROLL, Update};

/// Values a pair that are kept at most.
const KEPT_VALUES: usize = 4;
/// Components of accumulators that may be updated column by column without crowding registers.
const NARROW: u32 = 5;

/// When each accumulation takes columns in, and the values to be kept for that.
pub(super) fn choose_updates(pass: &Pass) -> (Vec<Update>, Vec<ValueId>) {
    let mut kept = Vec::new();
    let exact = is_exact(pass);
    let updates = pass.accumulations.iter().map(|one| {
        let width = one.rule.slots.iter().map(|slot| slot.dim).fold(0, u32::saturating_add);
        let update = if exact && one.rule.guard.as_ref().is_some_and(|guard| guard.dim <= UNROLL) {
            Update::Guarded
        } else if (one.rule.raising.is_some() || width > NARROW) && is_componentwise(pass, one) {
            Update::After
        } else {
            return Update::Along;
        };
        let mut needed = kept.clone();
        let known = one.arguments.iter().all(|argument| keep(pass, *argument, &mut needed));
        if !known || needed.len() > KEPT_VALUES {
            return Update::Along;
        }
        kept = needed;
        update
    });
    (updates.collect(), kept)
}

/// Adds what has to be kept for a value to be computed once more when all pairs of a block are known; `false` if that would be dear.
fn keep(pass: &Pass, id: ValueId, kept: &mut Vec<ValueId>) -> bool {
    let value = pass.value(id);
    if value.block != Block::Pair || kept.contains(&id) {
        return true;
    }
    if value.dim == 1 {
        kept.push(id);
        return true;
    }
    let Definition::Compute(body) = &value.definition else { return false };
    let mut known = !body.contains_fold();
    body.for_each_read(&mut |id, _| known = known && keep(pass, *id, kept));
    known
}

/// Whether component `k` of each long slot depends on nothing but arguments, pivots, real scalar `let`s and components `k` of what is long, all
/// long slots having as many components: so that the scalar slots may take in a block of columns before the long ones do.
fn is_componentwise(pass: &Pass, accumulation: &Accumulation) -> bool {
    let rule = &accumulation.rule;
    let (lets, update) = match &rule.raising {
        Some(raising) => (&raising.lets, &raising.update),
        None => (&rule.update_lets, &rule.update),
    };
    let is_scalar = |operand: &Operand| match operand {
        Operand::Argument(number) => pass.value(accumulation.arguments[*number as usize]).dim == 1,
        Operand::State(slot) | Operand::Later(slot) => rule.slots[*slot as usize].dim == 1,
        Operand::Let(number) => lets[*number as usize].dim == 1,
        Operand::Column => true,
    };
    let long = || rule.slots.iter().filter(|slot| slot.dim > 1);
    let mut alike = long().all(|slot| long().all(|other| slot.dim == other.dim));
    lets.iter().map(|item| &item.value).chain(update).for_each(|body| {
        body.for_each_read(&mut |operand, index| alike &= is_scalar(operand) || *index == Index::K);
    });
    let pivots = rule.raising.iter().flat_map(|raising| &raising.pivots);
    let settled = |operand: &Operand| match operand {
        Operand::State(slot) => rule.slots[*slot as usize].dim > 1 || pivots.clone().any(|pivot| pivot == slot),
        Operand::Let(number) => lets[*number as usize].dim > 1 || lets[*number as usize].kind == Kind::Real,
        Operand::Argument(_) | Operand::Later(_) | Operand::Column => true,
    };
    let long_rules = update.iter().zip(&rule.slots).filter(|(_, slot)| slot.dim > 1).map(|(rule, _)| rule);
    let long_lets = lets.iter().filter(|item| item.dim > 1).map(|item| &item.value);
    long_rules.chain(long_lets).for_each(|body| body.for_each_read(&mut |operand, _| alike &= settled(operand)));
    alike
}

/// The row values of which component `k` is needed for component `k` of an accumulation's arguments.
pub fn rows_at_component(pass: &Pass, accumulation: &Accumulation) -> Vec<ValueId> {
    fn visit(pass: &Pass, id: ValueId, rows: &mut Vec<ValueId>) {
        let value = pass.value(id);
        match &value.definition {
            _ if value.dim == 1 || rows.contains(&id) => {}
            _ if value.block == Block::Row => rows.push(id),
            Definition::Compute(body) => body.for_each_read(&mut |id, index| {
                if *index == Index::K {
                    visit(pass, *id, rows);
                }
            }),
            _ => {}
        }
    }
    let mut rows = Vec::new();
    accumulation.arguments.iter().for_each(|argument| visit(pass, *argument, &mut rows));
    rows
}

/// The vectors a row vector that a component of long slots needs: its accumulators, which take so many registers, and what is read of the rows.
pub(super) fn vectors_of_component(pass: &Pass, accumulation: &Accumulation, registers: u32) -> u32 {
    registers + rows_at_component(pass, accumulation).len() as u32
}

/// How many components of long slots fit into registers.
pub(super) fn components(vectors_of_component: u32, machine: &Machine, row_vectors: u32) -> u32 {
    (machine.registers * 3 / 4 / (row_vectors * vectors_of_component)).clamp(1, UNROLL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keopsc_ir::plan::parse::parse;
    use keopsc_ops::intrinsics::Intrinsic;
    use keopsc_ops::reductions::{Let, Raising};
    use keopsc_ops::scalar::Scalar;

    #[test]
    fn long_slots_that_wait_have_as_many_components() {
        let text = "plan f\ntensor x: input i[8] f32\ntensor y: input j[8] f32\ntensor f: output i[8] f32\n\
             pass rows i, over j, compute f32\n  row v0[8] = read x\n  column v1[8] = read y\n  pair v2[8] = v0[k] * v1[k]\n  \
             accumulate a0 = KahanSum(v2)\n  epilogue v3[8] = outcome a0\n  write f = v3\n";
        let mut pass = parse(text).unwrap_or_else(|error| panic!("{error}")).passes.remove(0);
        assert_eq!(choose_updates(&pass).0, [Update::After]);
        pass.accumulations[0].rule.slots[1].dim = 5;
        assert_eq!(choose_updates(&pass).0, [Update::Along]);
    }

    /// A pass of float32 points with 8 components whose accumulation is that, with what is made of the pairs.
    fn pass(pairs: &str, accumulation: &str, dim: u32) -> Pass {
        let lines = 2 + pairs.lines().count();
        let text = format!(
            "plan f\ntensor x: input i[8] f32\ntensor y: input j[8] f32\ntensor f: output i[{dim}] f32\n\
             pass rows i, over j, compute f32\n  row v0[8] = read x\n  column v1[8] = read y\n{pairs}\n  \
             accumulate a0 = {accumulation}\n  epilogue v{lines}[{dim}] = outcome a0\n  write f = v{lines}\n"
        );
        parse(&text).unwrap_or_else(|error| panic!("{text}{error}")).passes.remove(0)
    }

    /// Long slots wait for scalar ones only if those are known by then: pivots, and real values.
    #[test]
    fn long_slots_wait_for_what_is_settled() {
        let pairs = "  pair v2[1] = v0[0] * v1[0]\n  pair v3[8] = v0[k] * v1[k]";
        // Its slots are a pivot, the long sum and a scalar sum; its one value is real.
        let waits = |read: Operand, index: Index, change: fn(&mut Raising)| {
            let mut pass = pass(pairs, "SumSoftMaxWeight(v2, v3)", 8);
            let raising = pass.accumulations[0].rule.raising.as_mut().expect("it has pivots");
            let own = Scalar::Component(Operand::State(1), Index::K);
            raising.update[1] = Scalar::Call(Intrinsic::Add, vec![own, Scalar::Component(read, index)]);
            change(raising);
            choose_updates(&pass).0 == [Update::After]
        };
        let first = || Index::Constant(0);
        let long_let = |kind, value| Let { kind, dim: 8, value };
        for (read, index) in [
            (Operand::Argument(0), first()),
            (Operand::Argument(1), Index::K),
            (Operand::State(0), first()),
            (Operand::State(1), Index::K),
            (Operand::Let(0), first()),
            (Operand::Column, first()),
        ] {
            assert!(waits(read, index, |_| {}), "{read:?}");
        }
        assert!(!waits(Operand::State(2), first(), |_| {}));
        assert!(!waits(Operand::State(0), first(), |raising| raising.pivots.clear()));
        assert!(waits(Operand::State(2), first(), |raising| raising.pivots.push(2)));
        assert!(!waits(Operand::Let(0), first(), |raising| raising.lets[0].kind = Kind::Index));
        // Other components than its own are not there.
        assert!(!waits(Operand::State(1), first(), |_| {}));
        assert!(!waits(Operand::Argument(1), first(), |_| {}));
        // A long value is as good as what it is made of, whatever its kind.
        let long = |kind: Kind, read: Operand| {
            let mut pass = pass(pairs, "SumSoftMaxWeight(v2, v3)", 8);
            let raising = pass.accumulations[0].rule.raising.as_mut().expect("it has pivots");
            raising.lets.push(long_let(kind, Scalar::Component(read, first())));
            raising.update[1] = Scalar::Component(Operand::Let(1), Index::K);
            choose_updates(&pass).0 == [Update::After]
        };
        for kind in [Kind::Real, Kind::Index] {
            assert!(long(kind, Operand::State(0)) && long(kind, Operand::Let(0)) && !long(kind, Operand::State(2)));
        }
    }

    #[test]
    fn rows_of_components() {
        let cases = [
            ("  pair v2[8] = v0[k] * v1[k]", "Sum(v2)", 8, &[0][..]),
            ("  pair v2[8] = v0[k] * v0[k]", "Sum(v2)", 8, &[0]),
            ("  pair v2[8] = v0[0] * v1[k]", "Sum(v2)", 8, &[]),
            ("  pair v2[8] = v1[k] * v1[k]", "Sum(v2)", 8, &[]),
            ("  row v2[8] = exp(v0[k])\n  pair v3[8] = v0[k] * v2[k] * v1[k]", "Sum(v3)", 8, &[0, 2]),
            ("  row v2[1] = exp(v0[0])\n  pair v3[8] = v2 * v1[k]", "Sum(v3)", 8, &[]),
            ("  row v2[8] = exp(v0[k])\n  pair v3[8] = v2[k] * v1[k]", "Sum(v3)", 8, &[2]),
            ("  pair v2[8] = v0[k] * v1[k]\n  pair v3[8] = exp(v2[k])", "Sum(v3)", 8, &[0]),
            ("  pair v2[8] = v0[k] * v1[k]\n  pair v3[8] = exp(v2[3])", "Sum(v3)", 8, &[]),
            ("  pair v2[8] = v0[k] * v1[k]\n  pair v3[1] = v0[1] * v1[0]", "SumSoftMaxWeight(v3, v2)", 8, &[0]),
            ("  pair v2[1] = v0[0] * v1[0]", "Sum(v2)", 1, &[]),
        ];
        for (pairs, accumulation, dim, expected) in cases {
            let pass = pass(pairs, accumulation, dim);
            let rows: Vec<u32> = rows_at_component(&pass, &pass.accumulations[0]).iter().map(|id| id.0).collect();
            assert_eq!(rows, expected, "{pairs}");
        }
    }
}
