//! Scalar expressions → C expressions. What a C expression cannot say (folds, choices with folds inside) stands in lines before it.
//!
//! ```text
//! exp(-sum(q < 3, (v0[q] - v1[q]) * (v0[q] - v1[q])))
//!
//! float sum1 = -0.0f;
//! #pragma unroll
//! for (int q = 0; q < 3; ++q) {
//!     sum1 += (row.v0[q] - column.v1[q]) * (row.v0[q] - column.v1[q]);
//! }
//! … expf(-sum1)
//! ```
//!
//! Where components come from is the business of [`Operands`].

use keopsc_ir::types::ScalarType;
use keopsc_ops::intrinsics::{Intrinsic, Kind};
use keopsc_ops::scalar::{Comparison, Counter, Index, Scalar};

use crate::lines::Lines;
use crate::schedule::{ROLLED, UNROLL, UNROLLED_BODIES};
use crate::spelling::{
    Arithmetic, Binding, SHORT, Spelling, Text, fold_name, fold_neutral, integer, real, spelling, type_name,
};

/// The number of a component: known now, or when the kernel runs.
#[derive(Clone, Debug)]
pub(crate) enum Position {
    /// Now.
    Known(i64),
    /// When it runs.
    Computed(Text),
}

impl Position {
    /// As a C expression.
    pub(crate) fn text(&self) -> Text {
        match self {
            Position::Known(number) => integer(*number),
            Position::Computed(text) => text.clone(),
        }
    }
}

/// The counters in scope, innermost last.
pub(crate) type Counters = Vec<(Counter, Position)>;

/// Where the components of an expression come from.
pub(crate) trait Operands<V> {
    /// Component `position` of a value.
    fn read(&self, value: V, position: &Position, writer: &mut Writer) -> Text;
}

/// The body of a function under construction.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    /// Its lines.
    pub(crate) lines: Lines,
    /// The type of real numbers.
    pub(crate) real: ScalarType,
    arithmetic: Arithmetic,
    variables: u32,
    loops: usize,
    unrolled: u32,
}

impl Writer {
    /// A writer after these lines.
    pub(crate) fn new(lines: Lines, real: ScalarType, arithmetic: Arithmetic) -> Writer {
        Writer { lines, real, arithmetic, variables: 0, loops: 0, unrolled: 1 }
    }

    /// Whether numbers are real.
    pub(crate) fn is_real(&self) -> bool {
        self.arithmetic == Arithmetic::Real
    }

    /// What numbers are.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// A real number.
    pub(crate) fn number(&self, value: f64) -> Text {
        real(value, self.real, self.arithmetic)
    }

    /// What `write` gives where real numbers are of another type.
    pub(crate) fn computing_in<T>(&mut self, real: ScalarType, write: impl FnOnce(&mut Writer) -> T) -> T {
        let before = std::mem::replace(&mut self.real, real);
        let result = write(self);
        self.real = before;
        result
    }

    /// `body` for each of `count` components: in a loop, or once if there is only one.
    pub(crate) fn for_each_component(&mut self, count: u32, body: impl FnOnce(&mut Writer, &Position)) {
        self.repeat("k", count, false, body);
    }

    /// The same where it is done once a row: a loop over many stays one, as the compiler would take seconds to repeat its body so often.
    pub(crate) fn for_each_component_once(&mut self, count: u32, body: impl FnOnce(&mut Writer, &Position)) {
        if count > ROLLED {
            self.lines.line("#pragma unroll 1");
        }
        self.for_each_component(count, body);
    }

    /// `body` for each of `count` components, from the last to the first.
    pub(crate) fn for_each_component_from_the_last(&mut self, count: u32, body: impl FnOnce(&mut Writer, &Position)) {
        self.repeat("k", count, true, body);
    }

    /// `body` for each of `count` components, shared out among the threads of a block.
    pub(crate) fn for_each_component_by_threads(&mut self, count: u32, body: impl FnOnce(&mut Writer, &Position)) {
        self.for_each_component_by(["(int)threadIdx.x", "(int)blockDim.x"], count, body);
    }

    /// The same among so many, of which this is that one.
    pub(crate) fn for_each_component_by(
        &mut self,
        [member, members]: [&str; 2],
        count: u32,
        body: impl FnOnce(&mut Writer, &Position),
    ) {
        self.lines.open(format!("for (int k = {member}; k < {count}; k += {members}) {{"));
        body(self, &Position::Computed(Text::primary("k")));
        self.lines.close("}");
    }

    fn repeat(&mut self, name: &str, count: u32, from_the_last: bool, body: impl FnOnce(&mut Writer, &Position)) {
        if count == 1 {
            return body(self, &Position::Known(0));
        }
        let unrolled = self.unrolled;
        if count <= UNROLL && count * unrolled <= UNROLLED_BODIES {
            self.unrolled *= count;
            self.lines.line("#pragma unroll");
        }
        let integer = if u64::from(count) < SHORT { "int" } else { "long long" };
        self.lines.open(match from_the_last {
            true => format!("for ({integer} {name} = {}; {name} >= 0; --{name}) {{", count - 1),
            false => format!("for ({integer} {name} = 0; {name} < {count}; ++{name}) {{"),
        });
        body(self, &Position::Computed(Text::primary(name)));
        self.lines.close("}");
        self.unrolled = unrolled;
    }

    /// Writes an expression of this kind; lines that must stand before it are added.
    pub(crate) fn expression<V: Copy>(
        &mut self,
        scalar: &Scalar<V>,
        kind: Kind,
        counters: &Counters,
        operands: &dyn Operands<V>,
    ) -> Text {
        match scalar {
            Scalar::Constant(value) => self.constant(*value, kind),
            Scalar::Component(value, index) => operands.read(*value, &position(index, counters), self),
            Scalar::Index(index) => match position(index, counters) {
                Position::Known(number) => self.constant(number as f64, kind),
                Position::Computed(text) => {
                    Text::primary(format!("({}){}", type_name(kind, self.real), text.at(Binding::Primary)))
                }
            },
            Scalar::Call(intrinsic, arguments) => self.call(*intrinsic, arguments, counters, operands),
            Scalar::Fold { with, counter, count, body } => self.fold(*with, *counter, *count, body, counters, operands),
            Scalar::Choose { left, comparison, right, then, otherwise } => {
                match (position(left, counters), position(right, counters)) {
                    (Position::Known(left), Position::Known(right)) => {
                        let arm = if comparison.holds(left, right) { then } else { otherwise };
                        self.expression(arm, kind, counters, operands)
                    }
                    (left, right) => {
                        let condition = compare(&left, *comparison, &right);
                        self.choice(&condition, [&**then, &**otherwise], kind, counters, operands)
                    }
                }
            }
        }
    }

    fn constant(&self, value: f64, kind: Kind) -> Text {
        if kind == Kind::Index { integer(value as i64) } else { self.number(value) }
    }

    fn call<V: Copy>(
        &mut self,
        intrinsic: Intrinsic,
        arguments: &[Scalar<V>],
        counters: &Counters,
        operands: &dyn Operands<V>,
    ) -> Text {
        let kinds = intrinsic.arguments().iter();
        let texts: Vec<Text> = arguments
            .iter()
            .zip(kinds)
            .map(|(argument, kind)| self.expression(argument, *kind, counters, operands))
            .collect();
        apply(intrinsic, &texts, self.real)
    }

    fn fold<V: Copy>(
        &mut self,
        with: Intrinsic,
        counter: Counter,
        count: u32,
        body: &Scalar<V>,
        counters: &Counters,
        operands: &dyn Operands<V>,
    ) -> Text {
        let at = |position: &Position| with_counter(counters, counter, position.clone());
        if count == 1 {
            return self.expression(body, Kind::Real, &at(&Position::Known(0)), operands);
        }
        let word = fold_name(with);
        let variable = self.variable(word);
        let neutral = fold_neutral(with, self.real, self.arithmetic);
        self.lines.line(format!("{} {variable} = {};", self.real_name(), neutral.loose()));
        let name = if self.loops == 0 { "q".to_string() } else { format!("q{}", self.loops + 1) };
        self.loops += 1;
        self.repeat(&name, count, false, |writer, position| {
            let term = writer.expression(body, Kind::Real, &at(position), operands);
            let line = match spelling(with) {
                Spelling::Infix(operator, _) => format!("{variable} {operator}= {};", term.loose()),
                _ => {
                    let both = [Text::primary(variable.clone()), term];
                    format!("{variable} = {};", apply(with, &both, writer.real).loose())
                }
            };
            writer.lines.line(line);
        });
        self.loops -= 1;
        Text::primary(variable)
    }

    /// A conditional expression if both arms are expressions, else an `if` that sets a variable: what is not chosen is not read.
    fn choice<V: Copy>(
        &mut self,
        condition: &Text,
        arms: [&Scalar<V>; 2],
        kind: Kind,
        counters: &Counters,
        operands: &dyn Operands<V>,
    ) -> Text {
        let nested = self.lines.nested();
        let [(then_lines, then), (otherwise_lines, otherwise)] = arms.map(|arm| {
            let outer = std::mem::replace(&mut self.lines, nested.clone());
            let text = self.expression(arm, kind, counters, operands);
            (std::mem::replace(&mut self.lines, outer), text)
        });
        if then_lines.is_empty() && otherwise_lines.is_empty() {
            return conditional(condition, &then, &otherwise);
        }
        let variable = self.variable("choice");
        self.lines.line(format!("{} {variable};", type_name(kind, self.real)));
        self.lines.open(format!("if ({}) {{", condition.loose()));
        self.lines.append(&then_lines);
        self.lines.line(format!("{variable} = {};", then.loose()));
        self.lines.close("} else {");
        self.lines.append(&otherwise_lines);
        self.lines.line(format!("    {variable} = {};", otherwise.loose()));
        self.lines.line("}");
        Text::primary(variable)
    }

    fn variable(&mut self, word: &str) -> String {
        self.variables += 1;
        format!("{word}{}", self.variables)
    }

    fn real_name(&self) -> &'static str {
        type_name(Kind::Real, self.real)
    }
}

/// An intrinsic of written arguments.
pub(crate) fn apply(intrinsic: Intrinsic, arguments: &[Text], real: ScalarType) -> Text {
    match (spelling(intrinsic), arguments) {
        (Spelling::Infix(operator, [whole, left, right]), [a, b]) => {
            Text::new(whole, format!("{} {operator} {}", a.at(left), b.at(right)))
        }
        (Spelling::Negation, [a]) => Text::new(Binding::Product, format!("-{}", a.at(Binding::Primary))),
        (Spelling::Choice, [condition, then, otherwise]) => conditional(condition, then, otherwise),
        (Spelling::Function(single, double), _) => {
            let name = if real == ScalarType::F64 { double } else { single };
            // Mixed float and double arguments would pick a host template of the C++ library, so both are made double.
            let cast = real == ScalarType::F64 && arguments.len() > 1;
            let write = |text: &Text| match cast {
                true => format!("(double){}", text.at(Binding::Primary)),
                false => text.loose().to_string(),
            };
            let arguments: Vec<String> = arguments.iter().map(write).collect();
            Text::primary(format!("{name}({})", arguments.join(", ")))
        }
        (spelling, _) => unreachable!("{spelling:?} of {} arguments: the plan was not verified", arguments.len()),
    }
}

fn conditional(condition: &Text, then: &Text, otherwise: &Text) -> Text {
    let condition = condition.at(Binding::Comparison);
    Text::new(
        Binding::Choice,
        format!("{condition} ? {} : {}", then.at(Binding::Comparison), otherwise.at(Binding::Choice)),
    )
}

fn compare(left: &Position, comparison: Comparison, right: &Position) -> Text {
    let (left, right) = (left.text().at(Binding::Sum), right.text().at(Binding::Sum));
    Text::new(Binding::Comparison, format!("{left} {} {right}", comparison.symbol()))
}

/// The counters with one more.
fn with_counter(counters: &Counters, counter: Counter, position: Position) -> Counters {
    let mut counters = counters.clone();
    counters.push((counter, position));
    counters
}

/// The value of an index, as far as it is known.
fn position(index: &Index, counters: &Counters) -> Position {
    use Binding::{Primary, Product, Sum};
    let known = |number: Option<i64>| Position::Known(number.unwrap_or(0));
    let both = |a: &Index, b: &Index| (position(a, counters), position(b, counters));
    let join = |a: Position, operator: &str, b: Position, [whole, left, right]: [Binding; 3]| {
        let text = format!("{} {operator} {}", a.text().at(left), b.text().at(right));
        Position::Computed(Text::new(whole, text))
    };
    match index {
        Index::Constant(number) => Position::Known(*number),
        Index::Counter(counter) => {
            let found = counters.iter().rev().find(|(other, _)| other == counter);
            found.map_or(Position::Known(0), |(_, position)| position.clone())
        }
        Index::Add(a, b) => match both(a, b) {
            (Position::Known(a), Position::Known(b)) => known(a.checked_add(b)),
            (Position::Known(0), other) | (other, Position::Known(0)) => other,
            (a, b) => join(a, "+", b, [Sum, Sum, Product]),
        },
        Index::Sub(a, b) => match both(a, b) {
            (Position::Known(a), Position::Known(b)) => known(a.checked_sub(b)),
            (other, Position::Known(0)) => other,
            (a, b) => join(a, "-", b, [Sum, Sum, Product]),
        },
        Index::Mul(a, b) => match both(a, b) {
            (Position::Known(a), Position::Known(b)) => known(a.checked_mul(b)),
            (Position::Known(0), _) | (_, Position::Known(0)) => Position::Known(0),
            (Position::Known(1), other) | (other, Position::Known(1)) => other,
            (a, b) => join(a, "*", b, [Product, Product, Primary]),
        },
        Index::Div(a, b) => match both(a, b) {
            (Position::Known(a), Position::Known(b)) => known(a.checked_div(b)),
            (other, Position::Known(1)) => other,
            (a, b) => join(a, "/", b, [Product, Product, Primary]),
        },
        Index::Rem(a, b) => match both(a, b) {
            (Position::Known(a), Position::Known(b)) => known(a.checked_rem(b)),
            (_, Position::Known(1)) => Position::Known(0),
            (a, b) => join(a, "%", b, [Product, Product, Primary]),
        },
    }
}
