//! A calculator for formulas of the catalogue: names stand for vectors, operations are run through their recipes.

use std::collections::HashMap;

use keopsc_grammar::parse_expression;
use keopsc_grammar::syntax::{Expr, ExprKind, UnaryOperator};
use keopsc_ops::catalogue::operators::{self, Order};
use keopsc_ops::catalogue::{self, Value};
use keopsc_ops::scalar::evaluate;
use keopsc_ops::{Integers, OperationId, evaluate_integer};

/// The vectors that names stand for.
pub type Vectors = HashMap<String, Vec<f64>>;

/// The value of a formula text.
#[allow(dead_code, reason = "each test file uses its part of the calculator")]
pub fn calculate(text: &str, vectors: &Vectors) -> Vec<f64> {
    let expr = parse_expression(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    formula(&expr, vectors, &Integers::default())
}

/// The value of a formula, in which `integers` are letters and parameters.
pub fn formula(expr: &Expr, vectors: &Vectors, integers: &Integers) -> Vec<f64> {
    match &expr.kind {
        ExprKind::Integer(number) => vec![*number as f64],
        ExprKind::Float(number) => vec![*number],
        ExprKind::Name(name) => match (vectors.get(name), integers.get(name), name.as_str()) {
            (Some(vector), ..) => vector.clone(),
            (None, Some(number), _) => vec![number as f64],
            (None, None, "inf") => vec![f64::INFINITY],
            (None, None, "nan") => vec![f64::NAN],
            _ => panic!("unknown name {name}"),
        },
        ExprKind::Unary(UnaryOperator::Plus, operand) => formula(operand, vectors, integers),
        ExprKind::Unary(operator, operand) => {
            let id = operators::unary(*operator).expect("an operation");
            apply(id, &[formula(operand, vectors, integers)], &[])
        }
        ExprKind::Binary(operator, left, right) => {
            let (id, order) = operators::binary(*operator);
            let mut arguments = vec![formula(left, vectors, integers), formula(right, vectors, integers)];
            if order == Order::Swapped {
                arguments.reverse();
            }
            arguments.truncate(catalogue::signature(id).arguments.len());
            apply(id, &arguments, &[])
        }
        ExprKind::Call { function, arguments, .. } => {
            let id = catalogue::find_operation(&function.text)
                .unwrap_or_else(|| panic!("unknown operation {}", function.text));
            let (formulas, numbers) = catalogue::signature(id).sort_call(arguments.iter().collect());
            let formulas: Vec<_> = formulas.into_iter().map(|f| formula(f, vectors, integers)).collect();
            let number = |written: &Expr| evaluate_integer(written, integers).expect("an integer");
            let parameter = |written: &&Expr| match &written.kind {
                ExprKind::Float(halves) => vec![(2.0 * halves) as i64],
                ExprKind::List(items) => std::iter::once(items.len() as i64).chain(items.iter().map(number)).collect(),
                _ => vec![number(written)],
            };
            let numbers = numbers.iter().map(parameter).collect::<Vec<Vec<i64>>>().concat();
            apply(id, &formulas, &numbers)
        }
        other => panic!("no formula: {other:?}"),
    }
}

/// The value of an operation.
pub fn apply(id: OperationId, arguments: &[Vec<f64>], parameters: &[i64]) -> Vec<f64> {
    let mut arguments = arguments.to_vec();
    for argument in &catalogue::signature(id).arguments[arguments.len()..] {
        arguments.push(vec![argument.default.expect("an argument that may be left out")]);
    }
    let dims: Vec<u32> = arguments.iter().map(|argument| argument.len() as u32).collect();
    let dim = catalogue::infer_dim(id, &dims, parameters).unwrap_or_else(|error| panic!("{error}"));
    if !matches!(catalogue::operation(id).value, Value::Recipe(_)) {
        let expr = catalogue::expansion(id, &dims, parameters).expect("checked").expect("an expansion");
        let integers = catalogue::integers(id, &dims, parameters).expect("checked");
        let names = catalogue::signature(id).arguments.iter().map(|argument| argument.name.clone());
        let result = formula(&expr, &names.zip(arguments).collect(), &integers);
        assert_eq!(result.len(), dim as usize, "{}", catalogue::operation(id).name);
        return result;
    }
    let scalar = catalogue::instantiate(id, &dims, parameters).expect("checked");
    (0..dim as usize).map(|k| evaluate(&scalar, k, |v, index| arguments[*v as usize][index])).collect()
}

/// Small numbers without pattern, the same in every run.
#[allow(dead_code, reason = "each test file uses its part of the calculator")]
pub struct Numbers(pub u64);

#[allow(dead_code, reason = "each test file uses its part of the calculator")]
impl Numbers {
    /// A number of `0..1`.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number of an interval.
    pub fn within(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }
}

/// All ways to apply an operation to arguments of small dimensions and small parameters.
#[allow(dead_code, reason = "each test file uses its part of the calculator")]
pub fn applications(id: OperationId) -> Vec<(Vec<u32>, Vec<i64>)> {
    let signature = catalogue::signature(id);
    let dims = combinations(&[1, 2, 3, 5, 6, 4, 9], signature.arguments.len());
    // Lists of every length would be too many: these are empty, and tests of their own have others.
    let choices: &[i64] = if signature.takes_lists() { &[0] } else { &[0, 1, 2, 3, -1, -2] };
    let parameters = combinations(choices, signature.parameters.len());
    let pairs =
        dims.iter().flat_map(|dims| parameters.iter().map(move |parameters| (dims.clone(), parameters.clone())));
    pairs.filter(|(dims, parameters)| catalogue::infer_dim(id, dims, parameters).is_ok()).collect()
}

fn combinations<T: Copy>(choices: &[T], length: usize) -> Vec<Vec<T>> {
    let mut all = vec![Vec::new()];
    for _ in 0..length {
        let longer = |start: &Vec<T>| choices.iter().map(|c| [start.as_slice(), &[*c]].concat()).collect::<Vec<_>>();
        all = all.iter().flat_map(longer).collect();
    }
    all
}
