//! Integer expressions over letters and parameters: dimensions, ranges of parameters, conditions.

use keopsc_grammar::syntax::{BinaryOperator, Expr, ExprKind, UnaryOperator};

/// The values of dimension letters and integer parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integers(Vec<(String, i64)>);

impl Integers {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<i64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// All names with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub(crate) fn set(&mut self, name: &str, value: i64) {
        self.0.push((name.to_owned(), value));
    }
}

/// The value of an integer expression, a condition being 1 or 0; `None` where a name is unknown, on overflow, on division by 0
/// and for anything that is no integer expression.
pub fn evaluate_integer(expr: &Expr, integers: &Integers) -> Option<i64> {
    match &expr.kind {
        ExprKind::Integer(number) => Some(*number),
        ExprKind::Name(name) => integers.get(name),
        ExprKind::Unary(UnaryOperator::Minus, operand) => evaluate_integer(operand, integers)?.checked_neg(),
        ExprKind::Unary(UnaryOperator::Plus, operand) => evaluate_integer(operand, integers),
        ExprKind::Binary(operator, left, right) => {
            let (left, right) = (evaluate_integer(left, integers)?, evaluate_integer(right, integers)?);
            match operator {
                BinaryOperator::Add => left.checked_add(right),
                BinaryOperator::Subtract => left.checked_sub(right),
                BinaryOperator::Multiply => left.checked_mul(right),
                BinaryOperator::Divide => left.checked_div(right),
                BinaryOperator::Remainder => left.checked_rem(right),
                BinaryOperator::Less => Some((left < right).into()),
                BinaryOperator::LessEqual => Some((left <= right).into()),
                BinaryOperator::Greater => Some((left > right).into()),
                BinaryOperator::GreaterEqual => Some((left >= right).into()),
                BinaryOperator::Equal => Some((left == right).into()),
                BinaryOperator::NotEqual => Some((left != right).into()),
                BinaryOperator::Bar | BinaryOperator::Power => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Integers, evaluate_integer};
    use keopsc_grammar::parse_expression;

    #[test]
    fn values() {
        let mut integers = Integers::default();
        integers.set("n", 7);
        let cases = [
            ("n - 3 * +2", Some(1)),
            ("-n / 2", Some(-3)),
            ("n % 4 + 1", Some(4)),
            ("n / (n - 7)", None),
            ("n % 0", None),
            ("9223372036854775807 + n", None),
            ("m", None),
            ("n ** 2", None),
            ("n | n", None),
            ("1.5", None),
        ];
        for (text, value) in cases {
            assert_eq!(evaluate_integer(&parse_expression(text).expect(text), &integers), value, "{text}");
        }
    }

    #[test]
    fn comparisons_of_smaller_equal_and_larger_numbers() {
        for (operator, expected) in [
            ("<", [1, 0, 0]),
            ("<=", [1, 1, 0]),
            (">", [0, 0, 1]),
            (">=", [0, 1, 1]),
            ("==", [0, 1, 0]),
            ("!=", [1, 0, 1]),
        ] {
            let found = [1, 2, 3].map(|left| {
                let comparison = parse_expression(&format!("{left} {operator} 2")).expect("it parses");
                evaluate_integer(&comparison, &Integers::default())
            });
            assert_eq!(found, expected.map(Some), "{operator}");
        }
    }
}
