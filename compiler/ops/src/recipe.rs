//! Recipe text into scalar expressions, once dimensions are known.
//!
//! ```text
//! sum(q < n, (f[q] - g[q]) * (f[q] - g[q]))   ─▶   Fold { Add, q1, 3, … }        at n = 3
//! ```
//!
//! The words of recipes:
//!
//! * `f[k]` is a component; a bare `f` that of a value of dimension 1. A scalar that broadcasts is read at index 0.
//! * `k` counts components of the result; `sum(q < n, body)`, `prod`, `minimum` and `maximum` fold and count by `q`.
//! * Letters and parameters are integers inside `[ ]`, ranges and the conditions of `choose`, and real numbers elsewhere.
//! * `choose(k < n, a, b)` chooses by index, `select(f[k] < 0, a, b)` by value; `powi(a, n)` is an integer power;
//!   all intrinsics may be called by name, `+ - * /` and comparisons are written as usual; `inf` is a number.
//! * `where(body, t = a, u = b)` is `body` with `t` standing for `a`, and `u` for `b`, in which `t` may occur. Names are replaced by
//!   what they stand for, and back ends compute equal expressions once; a name that occurs often should not stand for much.
//! * `poly(x, c0, c1, …)` is the polynomial `c0 + x*(c1 + x*(…))`, and `series(x, r1, r2, …)` the polynomial
//!   `1 + r1*x + r1*r2*x*x + …`, given by the ratios of its coefficients. `factorial(n)` is a constant.
//!
//! Constants are folded. Multiplications and divisions by 1 vanish, which is exact; nothing else is simplified.

mod shorthands;

use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind, UnaryOperator};

use crate::integers::{Integers, evaluate_integer};
use crate::intrinsics::{Intrinsic, Kind};
use crate::reductions::STEP;
use crate::scalar::{Comparison, Counter, Index, Scalar};

/// The names of folds.
const FOLDS: &[(Intrinsic, &str)] =
    &[(Intrinsic::Add, "sum"), (Intrinsic::Mul, "prod"), (Intrinsic::Min, "minimum"), (Intrinsic::Max, "maximum")];

/// Integer powers up to this one become multiplications.
const LARGEST_MULTIPLIED_POWER: i64 = 64;

/// A name that a recipe may use.
#[derive(Clone, Debug)]
pub(crate) struct Named<V> {
    pub name: String,
    pub kind: Kind,
    pub dim: u32,
    /// How many components are repeated: indices count modulo this number; 0 where none are.
    pub period: u32,
    pub value: V,
}

/// What the names of a recipe mean.
pub(crate) struct Scope<'scope, V> {
    integers: &'scope Integers,
    values: &'scope [Named<V>],
    counters: Vec<(String, Index)>,
    /// What names stand for by `where`, innermost last.
    meanings: Vec<(String, Scalar<V>, Kind)>,
    /// The number of the next fold's counter: one more than those around it.
    next_counter: u32,
}

type Lowered<V> = Result<(Scalar<V>, Kind), String>;

impl<'scope, V: Clone> Scope<'scope, V> {
    /// A scope for results of dimension `dim`.
    pub(crate) fn new(integers: &'scope Integers, values: &'scope [Named<V>], dim: u32) -> Self {
        let k = if dim == 1 { Index::Constant(0) } else { Index::K };
        Scope { integers, values, counters: vec![("k".to_owned(), k)], meanings: Vec::new(), next_counter: 1 }
    }

    /// The same for one of some steps, of which `step` is the number.
    pub(crate) fn of_steps(integers: &'scope Integers, values: &'scope [Named<V>], dim: u32, steps: u32) -> Self {
        let step = if steps == 1 { Index::Constant(0) } else { Index::Counter(STEP) };
        let mut scope = Scope::new(integers, values, dim);
        scope.counters.push(("step".to_owned(), step));
        scope.next_counter = STEP.0 + 1;
        scope
    }

    /// The scalar expression of a recipe and its kind.
    pub(crate) fn lower(&mut self, expr: &Expr) -> Lowered<V> {
        match &expr.kind {
            ExprKind::Integer(number) => Ok((Scalar::Constant(*number as f64), Kind::Real)),
            ExprKind::Float(number) => Ok((Scalar::Constant(*number), Kind::Real)),
            ExprKind::Name(name) => self.lower_name(name),
            ExprKind::Unary(UnaryOperator::Plus, operand) => self.lower(operand),
            ExprKind::Unary(UnaryOperator::Minus, operand) => self.lower_intrinsic(Intrinsic::Neg, &[operand]),
            ExprKind::Binary(operator, left, right) => self.lower_operator(*operator, left, right),
            ExprKind::Index(base, index) => match &base.kind {
                ExprKind::Name(name) => self.lower_component(name, index),
                _ => Err("only a name can have an index".to_owned()),
            },
            ExprKind::Call { function, arguments, keywords } if function.text == "where" => {
                self.lower_where(arguments, keywords)
            }
            ExprKind::Call { function, arguments, .. } => self.lower_call(&function.text, arguments),
            _ => Err("this cannot stand in a recipe".to_owned()),
        }
    }

    fn lower_name(&self, name: &str) -> Lowered<V> {
        if let Some((_, scalar, kind)) = self.meanings.iter().rev().find(|(known, ..)| known == name) {
            return Ok((scalar.clone(), *kind));
        }
        if let Some(index) = self.counter(name) {
            return Ok((index_as_real(index), Kind::Real));
        }
        if let Some(number) = self.integers.get(name) {
            return Ok((Scalar::Constant(number as f64), Kind::Real));
        }
        if name == "inf" {
            return Ok((Scalar::Constant(f64::INFINITY), Kind::Real));
        }
        let value = self.value(name)?;
        if value.dim != 1 || value.period != 0 {
            return Err(format!("`{name}` is a vector and needs an index"));
        }
        Ok((Scalar::Component(value.value.clone(), Index::Constant(0)), value.kind))
    }

    fn lower_component(&self, name: &str, index: &Expr) -> Lowered<V> {
        let value = self.value(name)?;
        let index = match value.period {
            0 => self.index(index)?,
            1 => Index::Constant(0),
            period => {
                simplify_index(Index::Rem(Box::new(self.index(index)?), Box::new(Index::Constant(period.into()))))
            }
        };
        if index.constant().is_some_and(|index| !(0..i64::from(value.dim)).contains(&index)) {
            return Err(format!("`{name}` has no such component"));
        }
        Ok((Scalar::Component(value.value.clone(), index), value.kind))
    }

    fn lower_operator(&mut self, operator: BinaryOperator, left: &Expr, right: &Expr) -> Lowered<V> {
        let (intrinsic, left, right) = match operator {
            BinaryOperator::Add => (Intrinsic::Add, left, right),
            BinaryOperator::Subtract => (Intrinsic::Sub, left, right),
            BinaryOperator::Multiply => (Intrinsic::Mul, left, right),
            BinaryOperator::Divide => (Intrinsic::Div, left, right),
            BinaryOperator::Less => (Intrinsic::Less, left, right),
            BinaryOperator::LessEqual => (Intrinsic::LessEqual, left, right),
            BinaryOperator::Greater => (Intrinsic::Less, right, left),
            BinaryOperator::GreaterEqual => (Intrinsic::LessEqual, right, left),
            BinaryOperator::Equal => (Intrinsic::Equal, left, right),
            BinaryOperator::NotEqual => (Intrinsic::NotEqual, left, right),
            BinaryOperator::Bar | BinaryOperator::Remainder | BinaryOperator::Power => {
                return Err("`|`, `%` and `**` have no meaning for real numbers in a recipe".to_owned());
            }
        };
        self.lower_intrinsic(intrinsic, &[left, right])
    }

    fn lower_call(&mut self, function: &str, arguments: &[Expr]) -> Lowered<V> {
        if let Some((with, _)) = FOLDS.iter().find(|(_, name)| *name == function) {
            return self.lower_fold(*with, arguments);
        }
        match (function, arguments) {
            ("choose", [condition, then, otherwise]) => self.lower_choice(condition, then, otherwise),
            ("poly", [variable, coefficients @ ..]) => self.lower_polynomial(variable, coefficients),
            ("series", [variable, ratios @ ..]) => self.lower_series(variable, ratios),
            ("factorial", [number]) => {
                let number = evaluate_integer(number, self.integers).ok_or("the argument of `factorial` is unknown")?;
                Ok((Scalar::Constant((1..=number).map(|factor| factor as f64).product()), Kind::Real))
            }
            ("powi", [base, exponent]) => {
                let base = self.real(base)?;
                let exponent = evaluate_integer(exponent, self.integers).ok_or("the exponent of `powi` is unknown")?;
                Ok((integer_power(base, exponent), Kind::Real))
            }
            _ => {
                let intrinsic = Intrinsic::from_name(function).ok_or_else(|| format!("`{function}` is unknown"))?;
                self.lower_intrinsic(intrinsic, &arguments.iter().collect::<Vec<_>>())
            }
        }
    }

    fn lower_intrinsic(&mut self, intrinsic: Intrinsic, arguments: &[&Expr]) -> Lowered<V> {
        let lowered = arguments.iter().map(|argument| self.lower(argument)).collect::<Result<Vec<_>, _>>()?;
        call(intrinsic, lowered)
    }

    fn lower_fold(&mut self, with: Intrinsic, arguments: &[Expr]) -> Lowered<V> {
        let [range, body] = arguments else {
            return Err("a fold takes a range and a body".to_owned());
        };
        let (name, count) = self.range(range)?;
        let counter = Counter(self.next_counter);
        let index = if count == 1 { Index::Constant(0) } else { Index::Counter(counter) };
        self.counters.push((name, index));
        self.next_counter += 1;
        let body = self.real(body);
        self.counters.pop();
        self.next_counter -= 1;
        let body = body?;
        let folded = if count == 1 { body } else { Scalar::Fold { with, counter, count, body: Box::new(body) } };
        Ok((folded, Kind::Real))
    }

    fn lower_choice(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Lowered<V> {
        let (left, comparison, right) = self.comparison(condition)?;
        // What is known now is decided now: the branch not taken need not even make sense at these dimensions.
        if let (Some(left), Some(right)) = (left.constant(), right.constant()) {
            return self.lower(if comparison.holds(left, right) { then } else { otherwise });
        }
        let (then, then_kind) = self.lower(then)?;
        let (otherwise, otherwise_kind) = self.lower(otherwise)?;
        if then_kind != otherwise_kind {
            return Err("the branches of `choose` differ in kind".to_owned());
        }
        let (then, otherwise) = (Box::new(then), Box::new(otherwise));
        Ok((Scalar::Choose { left, comparison, right, then, otherwise }, then_kind))
    }

    fn real(&mut self, expr: &Expr) -> Result<Scalar<V>, String> {
        match self.lower(expr)? {
            (scalar, Kind::Real) => Ok(scalar),
            (_, kind) => Err(format!("a real number is needed, this is of kind {kind:?}")),
        }
    }

    /// `q < n` of a fold.
    fn range(&self, range: &Expr) -> Result<(String, u32), String> {
        if let ExprKind::Binary(BinaryOperator::Less, counter, count) = &range.kind
            && let ExprKind::Name(name) = &counter.kind
        {
            let count = evaluate_integer(count, self.integers).and_then(|count| u32::try_from(count).ok());
            let count = count.filter(|count| *count >= 1).ok_or("the count of a fold has to be at least 1")?;
            return Ok((name.clone(), count));
        }
        Err("the range of a fold is written `q < n`".to_owned())
    }

    fn comparison(&self, condition: &Expr) -> Result<(Index, Comparison, Index), String> {
        let ExprKind::Binary(operator, left, right) = &condition.kind else {
            return Err("`choose` takes a comparison of indices".to_owned());
        };
        let comparison = match operator {
            BinaryOperator::Less => Comparison::Less,
            BinaryOperator::LessEqual => Comparison::LessEqual,
            BinaryOperator::Equal => Comparison::Equal,
            _ => return Err("indices are compared by `<`, `<=` or `==`".to_owned()),
        };
        Ok((self.index(left)?, comparison, self.index(right)?))
    }

    fn index(&self, expr: &Expr) -> Result<Index, String> {
        match &expr.kind {
            ExprKind::Integer(number) => Ok(Index::Constant(*number)),
            ExprKind::Name(name) => match (self.counter(name), self.integers.get(name)) {
                (Some(index), _) => Ok(index.clone()),
                (None, Some(number)) => Ok(Index::Constant(number)),
                (None, None) => Err(format!("`{name}` is no index")),
            },
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (Box::new(self.index(left)?), Box::new(self.index(right)?));
                let index = match operator {
                    BinaryOperator::Add => Index::Add(left, right),
                    BinaryOperator::Subtract => Index::Sub(left, right),
                    BinaryOperator::Multiply => Index::Mul(left, right),
                    BinaryOperator::Divide => Index::Div(left, right),
                    BinaryOperator::Remainder => Index::Rem(left, right),
                    _ => return Err("indices are combined by `+ - * / %`".to_owned()),
                };
                Ok(simplify_index(index))
            }
            _ => Err("this is no index".to_owned()),
        }
    }

    fn counter(&self, name: &str) -> Option<&Index> {
        self.counters.iter().rev().find(|(known, _)| known == name).map(|(_, index)| index)
    }

    fn value(&self, name: &str) -> Result<&'scope Named<V>, String> {
        self.values.iter().find(|value| value.name == name).ok_or_else(|| format!("`{name}` is unknown"))
    }
}

/// An intrinsic applied to arguments whose kinds are checked; folded where they are constants.
fn call<V>(intrinsic: Intrinsic, arguments: Vec<(Scalar<V>, Kind)>) -> Lowered<V> {
    let (mut arguments, kinds): (Vec<_>, Vec<_>) = arguments.into_iter().unzip();
    let intrinsic = match (intrinsic, kinds.as_slice()) {
        (Intrinsic::Select, [Kind::Bool, Kind::Index, Kind::Index]) => Intrinsic::SelectIndex,
        _ => intrinsic,
    };
    if intrinsic.arguments() != kinds {
        return Err(format!("`{}` does not take arguments of kinds {kinds:?}", intrinsic.name()));
    }
    let constants = arguments.iter().map(|argument| match argument {
        Scalar::Constant(number) => Some(*number),
        _ => None,
    });
    let constants: Vec<Option<f64>> = constants.collect();
    let folded = match (intrinsic, constants.as_slice()) {
        (Intrinsic::Select | Intrinsic::SelectIndex, [Some(condition), _, _]) => {
            arguments.swap_remove(if *condition != 0.0 { 1 } else { 2 })
        }
        (Intrinsic::Mul, [Some(1.0), None]) => arguments.swap_remove(1),
        (Intrinsic::Mul | Intrinsic::Div, [None, Some(1.0)]) => arguments.swap_remove(0),
        _ => match constants.into_iter().collect::<Option<Vec<f64>>>() {
            Some(numbers) => Scalar::Constant(intrinsic.evaluate(&numbers)),
            None => Scalar::Call(intrinsic, arguments),
        },
    };
    Ok((folded, intrinsic.result()))
}

fn integer_power<V: Clone>(base: Scalar<V>, exponent: i64) -> Scalar<V> {
    let real_call =
        |intrinsic, arguments: Vec<Scalar<V>>| match arguments.iter().map(constant).collect::<Option<Vec<_>>>() {
            Some(numbers) => Scalar::Constant(Intrinsic::evaluate(intrinsic, &numbers)),
            None => Scalar::Call(intrinsic, arguments),
        };
    match exponent {
        0 => Scalar::Constant(1.0),
        1 => base,
        2..=LARGEST_MULTIPLIED_POWER => {
            let half = integer_power(base.clone(), exponent / 2);
            let square = real_call(Intrinsic::Mul, vec![half.clone(), half]);
            if exponent % 2 == 0 { square } else { real_call(Intrinsic::Mul, vec![square, base]) }
        }
        _ if (-LARGEST_MULTIPLIED_POWER..0).contains(&exponent) => {
            real_call(Intrinsic::Div, vec![Scalar::Constant(1.0), integer_power(base, -exponent)])
        }
        _ => real_call(Intrinsic::Pow, vec![base, Scalar::Constant(exponent as f64)]),
    }
}

fn constant<V>(scalar: &Scalar<V>) -> Option<f64> {
    match scalar {
        Scalar::Constant(number) => Some(*number),
        _ => None,
    }
}

fn index_as_real<V>(index: &Index) -> Scalar<V> {
    match index.constant() {
        Some(number) => Scalar::Constant(number as f64),
        None => Scalar::Index(index.clone()),
    }
}

fn simplify_index(index: Index) -> Index {
    if let Some(number) = index.constant() {
        return Index::Constant(number);
    }
    match index {
        Index::Add(left, right) if *right == Index::Constant(0) => *left,
        Index::Add(left, right) if *left == Index::Constant(0) => *right,
        Index::Sub(left, right) if *right == Index::Constant(0) => *left,
        Index::Mul(left, right) if *right == Index::Constant(1) => *left,
        Index::Mul(left, right) if *left == Index::Constant(1) => *right,
        Index::Mul(_, ref zero) | Index::Mul(ref zero, _) if **zero == Index::Constant(0) => Index::Constant(0),
        Index::Div(left, right) if *right == Index::Constant(1) => *left,
        Index::Rem(_, right) if *right == Index::Constant(1) => Index::Constant(0),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, Scope};
    use crate::integers::Integers;
    use crate::intrinsics::Kind;
    use crate::scalar::{Comparison, Scalar};
    use keopsc_grammar::parse_expression;

    /// A recipe for 3 components of a result, in vectors `f` and `g` of 3.
    fn lowered(text: &str) -> Scalar<char> {
        let vector = |name: char| Named { name: name.to_string(), kind: Kind::Real, dim: 3, period: 0, value: name };
        let (integers, values) = (Integers::default(), ['f', 'g'].map(vector));
        let recipe = parse_expression(text).expect(text);
        Scope::new(&integers, &values, 3).lower(&recipe).expect(text).0
    }

    #[test]
    fn what_is_known_is_folded() {
        for (text, folded) in [
            ("select(1 < 2, f[k], g[k])", "f[k]"),
            ("select(2 < 1, f[k], g[k])", "g[k]"),
            ("choose(1 < 2, f[k], f[5])", "f[k]"),
            ("1 * f[k]", "f[k]"),
            ("f[k] * 1", "f[k]"),
            ("f[k] / 1", "f[k]"),
            ("2 * 3 + sqrt(4)", "8"),
            ("powi(2, 70)", "1180591620717411303424.0"),
            ("f[k + 0] + f[0 + k] + f[k - 0]", "f[k] + f[k] + f[k]"),
            ("f[1 * k] + f[k * 1] + f[k / 1]", "f[k] + f[k] + f[k]"),
            ("f[0 * k] + f[k * 0] + f[k % 1]", "f[0] + f[0] + f[0]"),
            ("sum(q < 1, f[q])", "f[0]"),
        ] {
            assert_eq!(lowered(text), lowered(folded), "{text}");
        }
        for text in ["1 / f[k]", "f[k] - 0", "2 * f[k]", "f[k] + 1"] {
            assert!(matches!(lowered(text), Scalar::Call(..)), "{text}");
        }
    }

    #[test]
    fn comparisons_are_written_as_they_are_printed() {
        for expected in [Comparison::Less, Comparison::LessEqual, Comparison::Equal] {
            let choice = lowered(&format!("choose(k {} 1, f[k], g[k])", expected.symbol()));
            assert!(matches!(choice, Scalar::Choose { comparison, .. } if comparison == expected), "{choice:?}");
        }
    }
}
