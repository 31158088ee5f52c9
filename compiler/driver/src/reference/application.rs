//! How a row is applied to small arguments: dimensions, parameters and numbers that follow from its signature and its domain alone.
//!
//! ```text
//! SqDist(f: n|1, g: n|1) -> 1    =>    SqDist(2, 2), SqDist(2, 1), SqDist(1, 2): dimensions of f and g
//! TensorDot(f: n, g: m, …)       =>    TensorDot(4, 4, [2, 2], [2, 2], [1], [0]), …
//! ```

use keopsc_ops::catalogue::{self, Value};
use keopsc_ops::{Integers, OperationId};

use super::example::program;
use super::signature::items;

/// Dimensions that arguments are tried with, and how many combinations of them a row is wanted with at most.
const DIMS: &[u32] = &[2, 1, 3, 4, 6, 8];
const APPLICATIONS: usize = 5;

/// What a repeated argument costs: calls without any come first.
const REPETITION: u32 = 6;

/// Parameters that are tried: as text, and as the catalogue counts them.
const INTEGERS: &[i64] = &[2, 1, 0, 3, -1];
const FRACTIONS: &[&str] = &["1.5", "0.5", "2.5"];
const LISTS: &[&[i64]] = &[&[2, 2], &[1], &[0], &[2], &[1, 0], &[]];

/// An operation with the dimensions of its arguments and the texts of its parameters.
#[derive(Clone, Debug)]
pub struct Application {
    /// Which operation.
    pub operation: OperationId,
    /// Components of each formula argument.
    pub dims: Vec<u32>,
    /// Parameters as a call has them.
    pub parameters: Vec<String>,
    /// Components of the value.
    pub dim: u32,
}

/// A value of a parameter.
#[derive(Clone)]
struct Choice {
    text: String,
    /// Among the integers of the catalogue, where it is known how they stand there.
    values: Option<Vec<i64>>,
}

impl Application {
    /// The call with these texts as formula arguments.
    pub fn call<T: AsRef<str>>(&self, arguments: &[T]) -> String {
        let row = catalogue::operation(self.operation);
        let (mut arguments, mut parameters) = (arguments.iter().map(AsRef::as_ref), self.parameters.iter());
        let places = items(row.signature).into_iter().filter_map(|(_, form)| match is_parameter(form) {
            true => parameters.next().map(String::as_str),
            false => arguments.next(),
        });
        format!("{}({})", row.name, places.collect::<Vec<_>>().join(", "))
    }

    /// The dimension of the value, or why the front end refuses the call.
    fn resolved(operation: OperationId, dims: &[u32], parameters: Vec<String>) -> Result<Application, String> {
        let mut application = Application { operation, dims: dims.to_vec(), parameters, dim: 0 };
        let names: Vec<String> = (0..dims.len()).map(|number| format!("a{number}")).collect();
        let inputs: String = names.iter().zip(dims).map(|(name, dim)| format!("{name} = Pm({dim}); ")).collect();
        let program = program(&format!("{inputs}\nout result = {}", application.call(&names)))?;
        application.dim = program.graph.node(program.entries[0].outputs[0].node).dim;
        Ok(application)
    }
}

/// Applications of an operation, the most telling one first: one for each formula that it may stand for, each choice of
/// repeated arguments, each value of its first parameter.
pub fn applications(operation: OperationId) -> Vec<Application> {
    let mut found: Vec<(String, Application)> = Vec::new();
    for (dims, choices) in candidates(operation) {
        let kind = kind(operation, &dims, &choices);
        if found.len() == APPLICATIONS || found.iter().any(|(known, _)| *known == kind) {
            continue;
        }
        let texts = choices.into_iter().map(|choice| choice.text).filter(|text| !text.is_empty()).collect();
        if let Ok(application) = Application::resolved(operation, &dims, texts) {
            found.push((kind, application));
        }
    }
    found.into_iter().map(|(_, application)| application).collect()
}

/// Whether a place of a call with this form is an integer, a list or the like and no formula.
pub(super) fn is_parameter(form: &str) -> bool {
    let word = form.split(['(', ' ']).next().unwrap_or("");
    word.len() > 1
        && word.chars().all(char::is_alphabetic)
        && (form != word || ["int", "nonzero", "list"].contains(&word))
}

/// All that fit as far as the catalogue knows, best first: few letters that are 1, nothing repeated, small dimensions, early choices.
fn candidates(operation: OperationId) -> Vec<(Vec<u32>, Vec<Choice>)> {
    let row = catalogue::operation(operation);
    let (parameters, arguments): (Vec<_>, Vec<_>) =
        items(row.signature).into_iter().partition(|(_, form)| is_parameter(form));
    let dims = combinations(arguments.iter().map(|_| DIMS.to_vec()));
    let choices =
        combinations(parameters.iter().map(|(_, form)| (0..).zip(choices(form)).collect::<Vec<(u32, Choice)>>()));
    let mut scored = Vec::new();
    for dims in &dims {
        for numbered in &choices {
            let chosen: Vec<Choice> = numbered.iter().map(|(_, choice)| choice.clone()).collect();
            if let Some(ones) = letters_that_are_one(operation, dims, &chosen) {
                let repeated = repeated(operation, dims).into_iter().filter(|repeated| *repeated).count() as u32;
                let places: u32 = numbered.iter().map(|(place, _)| place).sum();
                let cost = dims.iter().sum::<u32>() + places + REPETITION * repeated;
                scored.push((ones, cost, (dims.clone(), chosen)));
            }
        }
    }
    scored.sort_by_key(|(ones, cost, _)| (*ones, *cost));
    scored.into_iter().map(|(_, _, candidate)| candidate).collect()
}

fn choices(form: &str) -> Vec<Choice> {
    let integers = INTEGERS.iter().map(|number| Choice { text: number.to_string(), values: Some(vec![*number]) });
    let lists = LISTS.iter().map(|list| Choice {
        text: format!("{list:?}"),
        values: Some(std::iter::once(list.len() as i64).chain(list.iter().copied()).collect()),
    });
    let left_out = Choice { text: String::new(), values: Some(Vec::new()) };
    let word = form.split(['(', ' ']).next().unwrap_or("");
    match word {
        "list" if form.contains('=') => std::iter::once(left_out).chain(lists).collect(),
        "list" => lists.collect(),
        "int" | "nonzero" => integers.collect(),
        // What integers stand for there is not known here; the front end decides.
        _ => FRACTIONS.iter().copied().map(unread).chain(integers.map(|choice| unread(&choice.text))).collect(),
    }
}

/// A parameter that the catalogue is not asked about.
fn unread(text: &str) -> Choice {
    Choice { text: text.to_owned(), values: None }
}

/// How many letters of the signature have the value 1; `None` where the catalogue refuses the arguments.
fn letters_that_are_one(operation: OperationId, dims: &[u32], choices: &[Choice]) -> Option<usize> {
    let values: Option<Vec<Vec<i64>>> = choices.iter().map(|choice| choice.values.clone()).collect();
    let Some(values) = values else { return Some(dims.iter().filter(|dim| **dim == 1).count()) };
    let values = values.concat();
    catalogue::infer_dim(operation, dims, &values).ok()?;
    let integers: Integers = catalogue::integers(operation, dims, &values).ok()?;
    Some(integers.iter().filter(|(_, value)| *value == 1).count())
}

/// What distinguishes applications of a row: what it stands for, which arguments are repeated, the first parameter.
fn kind(operation: OperationId, dims: &[u32], choices: &[Choice]) -> String {
    let values: Option<Vec<Vec<i64>>> = choices.iter().map(|choice| choice.values.clone()).collect();
    let repeated = repeated(operation, dims);
    let meaning = match (catalogue::operation(operation).value, values) {
        (Value::Recipe(_), Some(_)) => choices.first().map(|choice| choice.text.clone()).unwrap_or_default(),
        (Value::Expansion(_), Some(values)) => {
            format!("{:?}", catalogue::expansion(operation, dims, &values.concat()).ok().flatten())
        }
        (Value::Written(_), Some(_)) => {
            format!("{dims:?} {:?}", choices.iter().map(|choice| choice.text.len()).collect::<Vec<_>>())
        }
        (_, None) => choices.iter().map(|choice| choice.text.as_str()).collect(),
    };
    format!("{repeated:?} {meaning}")
}

/// For each argument whether its components stand for more.
fn repeated(operation: OperationId, dims: &[u32]) -> Vec<bool> {
    let (arguments, largest) = (&catalogue::signature(operation).arguments, dims.iter().max());
    let each = arguments.iter().zip(dims);
    each.map(|(argument, dim)| argument.pattern.is_repeated(*dim) && Some(dim) != largest).collect()
}

/// All ways to pick one item of each list.
fn combinations<T: Clone>(lists: impl Iterator<Item = Vec<T>>) -> Vec<Vec<T>> {
    lists.fold(vec![Vec::new()], |starts, list| {
        starts
            .iter()
            .flat_map(|start| list.iter().map(|item| [start.as_slice(), std::slice::from_ref(item)].concat()))
            .collect()
    })
}

/// Numbers of an argument's domain that are easily read, different ones for each argument of a call.
pub(super) fn numbers(operation: OperationId, argument: usize, count: u32) -> Vec<f64> {
    let (low, high) = catalogue::operation(operation).domain.get(argument).copied().unwrap_or((-2.0, 2.0));
    let mut points: Vec<f64> = Vec::new();
    for divisor in [1.0, 2.0, 4.0, 10.0, 20.0, 100.0, 1000.0, 10_000.0] {
        let new =
            ((low * divisor).ceil() as i64..=(high * divisor).floor() as i64).map(|number| number as f64 / divisor);
        let mut new: Vec<f64> = new.filter(|value| *value != 0.0 && !points.contains(value)).collect();
        new.sort_by(|a, b| (*a < 0.0, a.abs()).partial_cmp(&(*b < 0.0, b.abs())).unwrap_or(std::cmp::Ordering::Equal));
        points.extend(new);
        if points.len() > count.min(4) as usize {
            break;
        }
    }
    let mut chosen: Vec<f64> = (0..count as usize).map(|place| points[(2 * argument + place) % points.len()]).collect();
    chosen.sort_by(f64::total_cmp);
    chosen
}
