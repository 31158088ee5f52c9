//! What elementwise operations give at the edges of the floating-point numbers, computed by the interpreter.

use keopsc_ir::evaluation::Sizes;
use keopsc_ops::OperationId;
use keopsc_ops::catalogue;

use super::example::{Example, Given};
use super::signature::{items, results};
use super::words::{number, table};

/// Where operations of one argument are looked at.
const EDGES: &[f64] = &[f64::NEG_INFINITY, -1.0, -0.0, 0.0, 1.0, f64::INFINITY, f64::NAN];

/// And those of two.
const PAIRS: &[(f64, f64)] = &[
    (0.0, 0.0),
    (1.0, 0.0),
    (0.0, -1.0),
    (-1.0, 0.5),
    (1.0, f64::INFINITY),
    (f64::INFINITY, f64::INFINITY),
    (f64::NEG_INFINITY, 1.0),
    (1.0, f64::NAN),
    (f64::NAN, 1.0),
];

/// The table of an operation that works component by component on one or two arguments, with what it was computed from.
pub(super) fn edges(operation: OperationId) -> Option<(String, Vec<Example>)> {
    let row = catalogue::operation(operation);
    let items = items(row.signature);
    let forms: Vec<&str> = items.iter().map(|(_, form)| *form).collect();
    match (forms.as_slice(), results(row.signature).as_slice()) {
        (["n"], ["n"]) => unary(row.name, items[0].0),
        (["n|1", "n|1"], ["n"]) => binary(row.name, [items[0].0, items[1].0]),
        _ => None,
    }
}

/// Whether the first component of the value depends on the first component alone.
fn is_elementwise(name: &str) -> bool {
    let first = |second: f64| {
        let example = Example::compute(&inputs(&[vec![0.5, second]]), &format!("{name}(a0)"), ONE);
        example.map(|example| example.results[0][0].to_bits())
    };
    first(0.25) == first(0.75)
}

fn unary(name: &str, argument: &str) -> Option<(String, Vec<Example>)> {
    if !is_elementwise(name) {
        return None;
    }
    let given = inputs(&[EDGES.to_vec()]);
    let value = Example::compute(&given, &format!("{name}(a0)"), ONE).ok()?;
    let mut rows = vec![line(&format!("`{argument}`"), EDGES), line("value", &value.results[0])];
    let mut examples = vec![value];
    if let Ok(slope) = Example::compute(&given, &format!("Grad({name}(a0), a0, SumT(1, {}))", EDGES.len()), ONE) {
        if slope.results[0].iter().any(|value| *value != 0.0) {
            rows.push(line("derivative", &slope.results[0]));
        }
        examples.push(slope);
    }
    Some((table(&rows), examples))
}

fn binary(name: &str, arguments: [&str; 2]) -> Option<(String, Vec<Example>)> {
    let (left, right): (Vec<f64>, Vec<f64>) = PAIRS.iter().copied().unzip();
    let value = Example::compute(&inputs(&[left.clone(), right.clone()]), &format!("{name}(a0, a1)"), ONE).ok()?;
    let [first, second] = arguments.map(|argument| format!("`{argument}`"));
    let rows = [line(&first, &left), line(&second, &right), line("value", &value.results[0])];
    Some((table(&rows), vec![value]))
}

/// The sizes of examples of operations, which have parameters only.
pub(super) const ONE: Sizes = Sizes { i: 1, j: 1 };

/// Parameters `a0`, `a1`, … with these components.
pub(super) fn inputs(values: &[Vec<f64>]) -> Vec<Given> {
    let declaration = |(number, components): (usize, &Vec<f64>)| {
        (format!("a{number} = Pm({})", components.len()), components.clone())
    };
    values.iter().enumerate().map(declaration).collect()
}

fn line(name: &str, values: &[f64]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(values.iter().map(|value| number(*value))).collect()
}
