//! Plan → instructions: what the pairs of a pass take on a machine, counted by kind.
//!
//! ```text
//! Σ_j exp(-|x-y|²)·b, D = 3, AVX-512:  10 products, 8 sums, 1 look-up; a column has 4 components to be broadcast
//! ```

use keopsc_ir::plan::{Accumulation, Block, Definition, Pass, ValueId};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::reductions::{Let, Operand};
use keopsc_ops::scalar::Scalar;

use super::instructions::{Instructions, Work};
use super::{Machine, Storage, UNROLL, Update};

/// Counts the instructions of a pass.
pub(super) struct Counter<'a> {
    pub(super) pass: &'a Pass,
    pub(super) machine: &'a Machine,
    pub(super) storage: &'a [Storage],
    pub(super) contractions: &'a [ValueId],
    pub(super) updates: &'a [Update],
    /// Registers that a vector of accumulators takes.
    pub(super) registers: u32,
}

impl Counter<'_> {
    /// All of it.
    pub(super) fn work(&self) -> Work {
        let mut work = Work::default();
        work.pairs.column_loads = self.column_components();
        for (id, value) in self.pass.block(Block::Pair) {
            match &value.definition {
                Definition::Compute(Scalar::Fold { with, count, body, .. }) if self.contractions.contains(&id) => {
                    work.contractions += self.contraction(*with, *count, body);
                    work.pairs.loads += 1;
                }
                Definition::Compute(body) => {
                    work.pairs += self.scalar(body, &|read| self.is_product(*read)).times(value.dim);
                    if matches!(self.storage[id.0 as usize], Storage::Memory | Storage::Kept) {
                        work.pairs.stores = work.pairs.stores.saturating_add(value.dim);
                        work.pairs.loads = work.pairs.loads.saturating_add(value.dim);
                    }
                }
                _ => {}
            }
        }
        for (accumulation, update) in self.pass.accumulations.iter().zip(self.updates) {
            work.pairs += self.accumulation(accumulation, *update).times(self.registers);
        }
        work
    }

    fn contraction(&self, with: Intrinsic, count: u32, body: &Scalar<ValueId>) -> Instructions {
        let mut step = self.step(with, body, &|read| self.is_product(*read));
        step.loads = self.distinct(body, Block::Row);
        step.column_loads = self.distinct(body, Block::Column);
        Instructions { carried: count, ..step.times(count) }
    }

    /// How many values of a block an expression reads.
    fn distinct(&self, body: &Scalar<ValueId>, block: Block) -> u32 {
        let mut found = Vec::new();
        body.for_each_read(&mut |id, _| {
            if self.pass.value(*id).block == block && !found.contains(id) {
                found.push(*id);
            }
        });
        found.len() as u32
    }

    fn accumulation(&self, accumulation: &Accumulation, update: Update) -> Instructions {
        let rule = &accumulation.rule;
        let is_product = |operand: &Operand| match operand {
            Operand::Argument(number) => self.is_product(accumulation.arguments[*number as usize]),
            _ => false,
        };
        let mut work = Instructions::default();
        let mut add = |body: &Scalar<Operand>, dim: u32| work += self.scalar(body, &is_product).times(dim);
        let updates =
            |bodies| rule.slots.iter().zip(bodies).map(|(slot, body): (_, &Scalar<Operand>)| (body, slot.dim));
        let mut carried = carried(&rule.update_lets, &rule.update);
        match (update, &rule.raising, &rule.guard) {
            (Update::Guarded, _, Some(guard)) => {
                add(&guard.value, guard.dim);
                carried = 0;
            }
            (Update::After, Some(raising), _) => {
                raising.pivots.iter().for_each(|slot| add(&rule.update[*slot as usize], 1));
                raising.lets.iter().for_each(|item| add(&item.value, item.dim));
                updates(&raising.update).for_each(|(body, dim)| add(body, dim));
                carried = 1;
            }
            _ => {
                rule.update_lets.iter().for_each(|item| add(&item.value, item.dim));
                updates(&rule.update).for_each(|(body, dim)| add(body, dim));
            }
        }
        for slot in rule.slots.iter().filter(|slot| slot.dim > UNROLL && update == Update::Along) {
            work.loads = work.loads.saturating_add(slot.dim);
            work.stores = work.stores.saturating_add(slot.dim);
        }
        Instructions { carried, ..work }
    }

    /// Whether a value is multiplied where it is added, if the machine can do so.
    fn is_product(&self, id: ValueId) -> bool {
        let body = match &self.pass.value(id).definition {
            Definition::Compute(body) => body,
            _ => return false,
        };
        self.storage[id.0 as usize] == Storage::Inline && is_product(body)
    }

    /// Components of the column block that pairs use outside contractions.
    fn column_components(&self) -> u32 {
        let mut used = vec![false; self.pass.values.len()];
        for (id, value) in self.pass.block(Block::Pair) {
            if let Definition::Compute(body) = &value.definition
                && !self.contractions.contains(&id)
            {
                body.for_each_read(&mut |read, _| used[read.0 as usize] = true);
            }
        }
        self.pass.accumulations.iter().flat_map(|one| &one.arguments).for_each(|id| used[id.0 as usize] = true);
        let used = self.pass.block(Block::Column).filter(|(id, _)| used[id.0 as usize]);
        used.map(|(_, value)| value.dim).fold(0, u32::saturating_add)
    }

    fn scalar<V: PartialEq>(&self, scalar: &Scalar<V>, is_read_product: &dyn Fn(&V) -> bool) -> Instructions {
        match scalar {
            Scalar::Constant(_) | Scalar::Component(..) | Scalar::Index(_) => Instructions::default(),
            Scalar::Call(intrinsic, arguments) => {
                let is_sum = matches!(intrinsic, Intrinsic::Add | Intrinsic::Sub);
                let is_joined = is_sum && arguments.iter().any(|argument| self.joins(argument, is_read_product));
                let mut work = if is_joined { Instructions::default() } else { self.intrinsic(*intrinsic) };
                let is_first = |number: &usize| !arguments[..*number].contains(&arguments[*number]);
                (0..arguments.len())
                    .filter(is_first)
                    .for_each(|number| work += self.scalar(&arguments[number], is_read_product));
                work
            }
            Scalar::Fold { with, count, body, .. } => self.step(*with, body, is_read_product).times(*count),
            Scalar::Choose { then, otherwise, .. } => {
                let (then, otherwise) = (self.scalar(then, is_read_product), self.scalar(otherwise, is_read_product));
                if then.computing() >= otherwise.computing() { then } else { otherwise }
            }
        }
    }

    /// One more term of a fold.
    fn step<V: PartialEq>(
        &self,
        with: Intrinsic,
        body: &Scalar<V>,
        is_read_product: &dyn Fn(&V) -> bool,
    ) -> Instructions {
        let mut work = self.scalar(body, is_read_product);
        if with != Intrinsic::Add || !self.joins(body, is_read_product) {
            work += self.intrinsic(with);
        }
        work
    }

    /// Whether a term is multiplied where it is added.
    fn joins<V>(&self, term: &Scalar<V>, is_read_product: &dyn Fn(&V) -> bool) -> bool {
        self.machine.fused
            && match term {
                Scalar::Component(value, _) => is_read_product(value),
                other => is_product(other),
            }
    }

    /// What `compiler/cpu/src/math` makes of an intrinsic, about.
    fn intrinsic(&self, intrinsic: Intrinsic) -> Instructions {
        use Intrinsic::*;
        let work = |products, sums, lookups, quotients| Instructions {
            products,
            sums,
            lookups,
            quotients,
            ..Instructions::default()
        };
        match intrinsic {
            Mul => work(1, 0, 0, 0),
            // A change of sign becomes part of what uses it.
            Neg => work(0, 0, 0, 0),
            Add | Sub | Abs | Min | Max | Floor | Ceil | Trunc | Round | Less | LessEqual | Equal | NotEqual
            | EqualIndex | Select | SelectIndex => work(0, 1, 0, 0),
            Div | Sqrt => work(0, 0, 0, 1),
            Rsqrt if self.machine.tables => work(6, 3, 0, 0),
            Rsqrt => work(2, 2, 0, 2),
            Exp if self.machine.tables => work(6, 5, 1, 0),
            Exp2 if self.machine.tables => work(4, 6, 1, 0),
            Exp => work(10, 5, 0, 0),
            Exp2 => work(9, 6, 0, 0),
            Log | Log2 | Log10 | Log1p | Sin | Cos | Asin | Acos | Atan => work(14, 10, 0, 0),
            Expm1 | Sinh | Cosh => work(14, 10, 1, 0),
            Tan | Tanh => work(14, 10, 0, 1),
            Atan2 | Pow => work(25, 20, 0, 1),
        }
    }
}

fn is_product<V>(scalar: &Scalar<V>) -> bool {
    match scalar {
        Scalar::Call(Intrinsic::Mul, _) => true,
        Scalar::Call(Intrinsic::Neg, arguments) => arguments.iter().any(is_product),
        _ => false,
    }
}

/// Instructions one after the other from the old state to the new one.
fn carried(lets: &[Let], update: &[Scalar<Operand>]) -> u32 {
    fn depth(scalar: &Scalar<Operand>, known: &[Option<u32>]) -> Option<u32> {
        match scalar {
            Scalar::Component(Operand::State(_), _) => Some(0),
            Scalar::Component(Operand::Let(number), _) => known[*number as usize],
            Scalar::Constant(_) | Scalar::Component(..) | Scalar::Index(_) => None,
            Scalar::Call(intrinsic, arguments) => {
                let own = if matches!(intrinsic, Intrinsic::Exp | Intrinsic::Exp2) { EXPONENTIAL_DEPTH } else { 1 };
                arguments.iter().filter_map(|argument| depth(argument, known)).max().map(|depth| depth + own)
            }
            Scalar::Fold { body, count, .. } => depth(body, known).map(|depth| depth + count),
            Scalar::Choose { then, otherwise, .. } => depth(then, known).max(depth(otherwise, known)),
        }
    }
    let mut known = Vec::new();
    for item in lets {
        known.push(depth(&item.value, &known));
    }
    update.iter().filter_map(|body| depth(body, &known)).max().unwrap_or(0)
}

/// Instructions one after the other of an exponential.
const EXPONENTIAL_DEPTH: u32 = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Ports;
    use keopsc_ir::plan::parse::parse;
    use keopsc_ops::scalar::{Counter as Number, Index};

    /// Products, sums, look-ups and quotients of one component of `v2`.
    fn counted(body: &str, fused: bool) -> [u32; 4] {
        let text = format!(
            "plan f\ntensor x: input i[8] f32\ntensor y: input j[8] f32\ntensor f: output i[1] f32\n\
             pass rows i, over j, compute f32\n  row v0[8] = read x\n  column v1[8] = read y\n  pair v2[8] = {body}\n  \
             pair v3[1] = v2[0]\n  accumulate a0 = Sum(v3)\n  epilogue v4[1] = outcome a0\n  write f = v4\n"
        );
        let plan = parse(&text).unwrap_or_else(|error| panic!("{body}: {error}"));
        let pass = &plan.passes[0];
        let ports = Ports { products: 2, sums: 2, computing: 4, loads: 2, stores: 2, all: 5, latency: 4, quotient: 5 };
        let machine = Machine { lanes_f32: 8, registers: 16, fused, tables: true, ports };
        let storage = vec![Storage::Registers; pass.values.len()];
        let counter = Counter {
            pass,
            machine: &machine,
            storage: &storage,
            contractions: &[],
            updates: &[Update::Along],
            registers: 1,
        };
        let Definition::Compute(scalar) = &pass.values[2].definition else { panic!("it is computed") };
        let Instructions { products, sums, lookups, quotients, .. } = counter.scalar(scalar, &|_| false);
        [products, sums, lookups, quotients]
    }

    #[test]
    fn expressions_are_counted_by_kind() {
        let cases = [
            ("v0[k]", [0, 0, 0, 0], [0, 0, 0, 0]),
            ("v0[k] * v1[k]", [1, 0, 0, 0], [1, 0, 0, 0]),
            ("v0[k] - v1[k]", [0, 1, 0, 0], [0, 1, 0, 0]),
            // A product is part of a sum where the machine can do so, its sign included; one product of a sum of two is.
            ("v0[k] * v1[k] + 1", [1, 1, 0, 0], [1, 0, 0, 0]),
            ("-(v0[k] * v1[k]) + 1", [1, 1, 0, 0], [1, 0, 0, 0]),
            ("-v0[k] + 1", [0, 1, 0, 0], [0, 1, 0, 0]),
            ("v0[k] * v1[k] - v0[0] * v1[0]", [2, 1, 0, 0], [2, 0, 0, 0]),
            ("sum(q < 8, v0[q] * v1[q])", [8, 8, 0, 0], [8, 0, 0, 0]),
            ("sum(q < 8, v0[q] - v1[q])", [0, 16, 0, 0], [0, 16, 0, 0]),
            ("maximum(q < 8, v0[q] * v1[q])", [8, 8, 0, 0], [8, 8, 0, 0]),
            // What stands twice is computed once, and of two branches the dearer one counts.
            ("(v0[k] - v1[k]) * (v0[k] - v1[k])", [1, 1, 0, 0], [1, 1, 0, 0]),
            ("choose(k < 4, v0[k] / v1[k], v0[k])", [0, 0, 0, 1], [0, 0, 0, 1]),
            ("choose(k < 4, v0[k], exp(v1[k]))", [6, 5, 1, 0], [6, 5, 1, 0]),
            ("choose(k < 4, v0[k] * v1[k], v0[k] + v1[k])", [1, 0, 0, 0], [1, 0, 0, 0]),
        ];
        for (body, apart, fused) in cases {
            assert_eq!([counted(body, false), counted(body, true)], [apart, fused], "{body}");
        }
    }

    /// From the old state to the new one there are as many instructions as stand around it, a fold having one for each term.
    #[test]
    fn states_wait_for_their_longest_chain() {
        let state = || Scalar::Component(Operand::State(0), Index::Constant(0));
        let argument = || Scalar::Component(Operand::Argument(0), Index::Constant(0));
        let of_let = |number| Scalar::Component(Operand::Let(number), Index::Constant(0));
        let call = |intrinsic, arguments| Scalar::Call(intrinsic, arguments);
        let fold = |count, body| Scalar::Fold { with: Intrinsic::Add, counter: Number(1), count, body: Box::new(body) };
        let item = |value| Let { kind: keopsc_ops::intrinsics::Kind::Real, dim: 1, value };
        let sum = || call(Intrinsic::Add, vec![state(), argument()]);
        let cases = [
            (vec![], vec![state()], 0),
            (vec![], vec![argument()], 0),
            (vec![], vec![sum()], 1),
            (vec![], vec![call(Intrinsic::Mul, vec![sum(), sum()])], 2),
            (vec![], vec![call(Intrinsic::Mul, vec![argument(), call(Intrinsic::Neg, vec![sum()])])], 3),
            (vec![], vec![call(Intrinsic::Exp, vec![sum()])], 1 + EXPONENTIAL_DEPTH),
            (vec![], vec![call(Intrinsic::Exp2, vec![argument()]), sum()], 1),
            (vec![], vec![fold(5, sum())], 6),
            (vec![], vec![fold(5, argument()), sum()], 1),
            (vec![item(sum())], vec![call(Intrinsic::Sub, vec![of_let(0), state()])], 2),
            (vec![item(argument()), item(sum())], vec![of_let(0), of_let(1)], 1),
        ];
        for (lets, update, expected) in cases {
            assert_eq!(carried(&lets, &update), expected, "{lets:?} {update:?}");
        }
    }
}
