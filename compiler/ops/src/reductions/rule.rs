//! A reduction whose dimensions are known: what plans carry, what back ends and the interpreter run.

use std::collections::BTreeSet;

use crate::intrinsics::{Intrinsic, Kind};
use crate::scalar::{Counter, Index, Scalar};

/// What counts the steps of a merge.
pub const STEP: Counter = Counter(1);

/// What a scalar expression of a [`Rule`] may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An argument of the reduction at this column (in `lets` and `update`).
    Argument(u32),
    /// A slot of the state; in `merge` that of the earlier columns.
    State(u32),
    /// In `merge` the slot of the later columns.
    Later(u32),
    /// A `let` of the same phase.
    Let(u32),
    /// The number of the column, of kind [`Kind::Index`] (in `update`).
    Column,
}

/// A slot of the accumulators' state.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name in the row.
    pub name: String,
    /// `Real` or `Index`.
    pub kind: Kind,
    /// Components.
    pub dim: u32,
    /// The neutral value (-1 for no column).
    pub initial: f64,
}

/// An intermediate value of a phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    /// Its kind.
    pub kind: Kind,
    /// Components.
    pub dim: u32,
    /// Component `k` (counter 0).
    pub value: Scalar<Operand>,
}

/// A result of a reduction.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `Real` or `Index`.
    pub kind: Kind,
    /// Components.
    pub dim: u32,
    /// Component `k`, over [`Operand::State`].
    pub value: Scalar<Operand>,
}

/// How several columns are taken in at once: first by some slots, then by the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Raising {
    /// The slots that go first; their `update` reads nothing else of the state. The others follow by a merge with a state that has these
    /// slots and is neutral otherwise.
    pub pivots: Vec<u32>,
    /// Values computed before `update`.
    pub lets: Vec<Let>,
    /// The new value of each slot after a column that the pivots have taken in.
    pub update: Vec<Scalar<Operand>>,
}

impl Raising {
    /// The same where pivots are finite: `select(a == m, 0, a - m)` is `a - m` there.
    pub fn with_finite_pivots(&self) -> Raising {
        let finite = |item: &Let| Let { value: self.where_pivots_are_finite(&item.value), ..item.clone() };
        let update = self.update.iter().map(|rule| self.where_pivots_are_finite(rule));
        Raising { pivots: self.pivots.clone(), lets: self.lets.iter().map(finite).collect(), update: update.collect() }
    }

    fn where_pivots_are_finite(&self, scalar: &Scalar<Operand>) -> Scalar<Operand> {
        let Scalar::Call(intrinsic, arguments) = scalar else { return scalar.clone() };
        if let (Intrinsic::Select, [Scalar::Call(Intrinsic::Equal, compared), Scalar::Constant(0.0), difference]) =
            (intrinsic, arguments.as_slice())
            && let Scalar::Call(Intrinsic::Sub, terms) = difference
            && terms == compared
            && let [_, Scalar::Component(Operand::State(slot), _)] = terms.as_slice()
            && self.pivots.contains(slot)
        {
            return difference.clone();
        }
        Scalar::Call(*intrinsic, arguments.iter().map(|argument| self.where_pivots_are_finite(argument)).collect())
    }
}

/// A reduction whose dimensions are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The state.
    pub slots: Vec<Slot>,
    /// Values computed before `update`, in order; each may use earlier ones.
    pub update_lets: Vec<Let>,
    /// The new value of component `k` of each slot, all from the old state.
    pub update: Vec<Scalar<Operand>>,
    /// Of kind [`Kind::Bool`], over the arguments and the state: where no component holds, `update` changes nothing.
    pub guard: Option<Let>,
    /// How several columns can be taken in at once.
    pub raising: Option<Raising>,
    /// How often `merge` is done; [`STEP`] counts.
    pub merge_steps: u32,
    /// Values computed before `merge`.
    pub merge_lets: Vec<Let>,
    /// Component `k` of each slot of the merged state.
    pub merge: Vec<Scalar<Operand>>,
    /// What a row ends up with: one result, or two for value-and-index pairs.
    pub outcomes: Vec<Outcome>,
}

impl Rule {
    /// Whether a merge is no more work than an update.
    pub fn merges_at_once(&self) -> bool {
        self.merge_lets.is_empty() && self.merge_steps == 1
    }
}

/// The number of components of the slots, if it is the same for all, and each new component looks at old ones of its own place and of one lower place,
/// which is told as well, as the distance: then they can replace them from the last to the first, as in a list.
pub fn list_of(slots: &[Slot], rules: &[Scalar<Operand>], chosen: &[u32]) -> Option<(u32, u32)> {
    let dim = slots[*chosen.first()? as usize].dim;
    let mut fits = chosen.iter().all(|slot| slots[*slot as usize].dim == dim);
    let mut distances = BTreeSet::new();
    for rule in chosen.iter().map(|slot| &rules[*slot as usize]) {
        rule.for_each_read(&mut |operand, index| match (operand, index) {
            (Operand::State(_), Index::Counter(Counter(0))) => {}
            (Operand::State(_), Index::Sub(from, by)) => match (from.as_ref(), by.as_ref()) {
                (Index::Counter(Counter(0)), Index::Constant(by)) if *by > 0 => drop(distances.insert(*by)),
                _ => fits = false,
            },
            (Operand::State(_), _) => fits = false,
            _ => {}
        });
    }
    let distance = distances.pop_first().filter(|_| fits && distances.is_empty())?;
    Some((dim, u32::try_from(distance).ok()?))
}
