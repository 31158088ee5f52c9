//! The rules of the scalar expressions in a plan: kinds of arguments, counters in scope, components in range.

use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::{Counter, Index, Scalar};

use super::index_range::{Guard, Scope};
use super::notation::MAXIMUM_DEPTH;
use super::{Pass, ValueId};
use crate::defect::Defects;

/// Checks the expression for all components of value `id`; all its components are of earlier values.
pub(crate) fn verify_scalar(pass: &Pass, id: ValueId, scalar: &Scalar<ValueId>, place: &str, defects: &mut Defects) {
    let value = pass.value(id);
    let scope = Scope { counters: vec![(Counter(0), value.dim)], guards: Vec::new() };
    let expected = if value.is_index { Kind::Index } else { Kind::Real };
    let mut checker = Checker { pass, place, defects };
    if let Some(found) = checker.kind(scalar, &scope, 0) {
        defects.require(found == expected, place, "a value is of its expression's kind", || {
            format!("{found:?} where {expected:?} is declared")
        });
    }
}

struct Checker<'c> {
    pass: &'c Pass,
    place: &'c str,
    defects: &'c mut Defects,
}

impl Checker<'_> {
    /// The kind of an expression, after its parts have been checked; `None` if it is too deep to be.
    fn kind(&mut self, scalar: &Scalar<ValueId>, scope: &Scope, depth: usize) -> Option<Kind> {
        let shallow = depth <= MAXIMUM_DEPTH;
        if !self.require(shallow, "an expression is not nested too deeply", || format!("depth {depth}")) {
            return None;
        }
        match scalar {
            Scalar::Constant(_) => Some(Kind::Real),
            Scalar::Component(value, index) => Some(self.component(*value, index, scope)),
            Scalar::Index(index) => {
                self.index(index, scope);
                Some(Kind::Real)
            }
            Scalar::Call(intrinsic, arguments) => self.call(*intrinsic, arguments, scope, depth),
            Scalar::Fold { with, counter, count, body } => {
                let scope = self.fold_scope(*with, *counter, *count, scope)?;
                let kind = self.kind(body, &scope, depth + 1)?;
                self.require(kind == Kind::Real, "a fold is of real numbers", || format!("{kind:?}"));
                Some(Kind::Real)
            }
            Scalar::Choose { left, comparison, right, then, otherwise } => {
                self.index(left, scope);
                self.index(right, scope);
                let (left, comparison, right) = (left.clone(), *comparison, right.clone());
                let mut scope = scope.clone();
                scope.guards.push(Guard { left, comparison, right, holds: true });
                let of_then = self.kind(then, &scope, depth + 1)?;
                scope.guards.iter_mut().last()?.holds = false;
                let of_otherwise = self.kind(otherwise, &scope, depth + 1)?;
                self.require(of_then == of_otherwise, "both sides of a choice are of one kind", || {
                    format!("{of_then:?} and {of_otherwise:?}")
                });
                Some(of_then)
            }
        }
    }

    fn component(&mut self, value: ValueId, index: &Index, scope: &Scope) -> Kind {
        let value = self.pass.value(value);
        let in_range = scope.keeps_in_range(index, value.dim);
        self.require(in_range, "a component is one that the value has", || {
            format!("{index:?} of {} components", value.dim)
        });
        if value.is_index { Kind::Index } else { Kind::Real }
    }

    fn index(&mut self, index: &Index, scope: &Scope) {
        let has_value = scope.has_value(index);
        self.require(has_value, "an index is over known counters and divides by positive numbers", || {
            format!("{index:?}")
        });
    }

    fn call(
        &mut self,
        intrinsic: Intrinsic,
        arguments: &[Scalar<ValueId>],
        scope: &Scope,
        depth: usize,
    ) -> Option<Kind> {
        let kinds: Option<Vec<Kind>> = arguments.iter().map(|argument| self.kind(argument, scope, depth + 1)).collect();
        let kinds = kinds?;
        let fits = kinds == intrinsic.arguments();
        self.require(fits, "a scalar function has arguments of the kinds that it takes", || {
            format!("{} of {kinds:?}", intrinsic.name())
        });
        Some(intrinsic.result())
    }

    fn fold_scope(&mut self, with: Intrinsic, counter: Counter, count: u32, scope: &Scope) -> Option<Scope> {
        let folds = [Intrinsic::Add, Intrinsic::Mul, Intrinsic::Min, Intrinsic::Max].contains(&with);
        self.require(folds, "a fold is a sum, product, minimum or maximum", || with.name().to_string());
        let free = scope.count(counter).is_none();
        self.require(free, "a fold's counter is not one of those around it", || format!("{counter:?}"));
        let counts = self.require(count > 0, "a fold is over something", || "nothing".to_string());
        let mut scope = scope.clone();
        scope.counters.push((counter, count));
        (free && counts).then_some(scope)
    }

    fn require(&mut self, holds: bool, rule: &'static str, found: impl FnOnce() -> String) -> bool {
        self.defects.require(holds, self.place, rule, found)
    }
}
