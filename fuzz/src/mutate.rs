//! Formula text → other formula text: a mutator that knows the grammar and the catalogue.
//!
//! ```text
//! x = Vi(3); y = Vj(3); out s = Sum[j](SqDist(x, y))   →   … out s = LogSumExp[j](Exp(SqDist(x, y)), weight=y1)
//! ```
//!
//! Most changes are made to the syntax tree: expressions are replaced, wrapped, exchanged, statements added and removed. New expressions are drawn so
//! that their dimensions fit, of inputs whose names tell theirs (`x3 = Vi(3)`), so that most files stay sound and reach the later passes.

use std::collections::BTreeSet;

use keopsc_grammar::syntax::{
    BinaryOperator, Expr, ExprKind, File, Keyword, Library, Name, Output, Setting, Span, Statement, StatementKind,
    UnaryOperator,
};
use keopsc_grammar::{parse_file, print_file};
use keopsc_ir::random::Random;
use keopsc_ops::signature::{Numbers, ParameterSpec, Place, Signature};
use keopsc_ops::{catalogue, reductions};
use keopsc_passes::load::LIBRARIES;

const DIMS: &[u32] = &[1, 2, 3, 4, 6, 8, 9, 16, 100];
const INTEGERS: &[i64] = &[0, 1, 2, 3, 4, 5, 7, 8, 64, 1000, 1 << 24, (1 << 24) + 1, 1 << 31, 1 << 32, i64::MAX];
const FLOATS: &[f64] = &[0.0, 0.5, 1.5, 2.0, 1e-3, 1e30, 1e-300, f64::MAX];
const DTYPES: &[&str] = &["f16", "bf16", "f32", "f64", "c64", "c128", "i64"];
const SETTINGS: &[(&str, &str)] = &[
    ("sum", "auto"),
    ("sum", "direct"),
    ("sum", "block"),
    ("sum", "kahan"),
    ("accumulate", "f64"),
    ("accumulate", "f32"),
    ("algebra", "fast"),
    ("algebra", "exact"),
    ("products", "tf32"),
    ("products", "bf16"),
];
const DERIVATIVES: &[&str] = &["Grad", "Diff", "Laplacian", "Divergence", "GradMatrix", "TraceOperator"];
/// A text that follows from a text and a seed.
pub fn mutate(text: &str, seed: u64) -> String {
    let mut random = Random::new(seed);
    if random.percent(10) {
        return exchange_words(text, &mut random);
    }
    let (mut file, _) = parse_file(text);
    for _ in 0..=random.below(3) {
        change(&mut file, &mut random);
    }
    declare(&mut file);
    print_file(&file)
}

/// One word or sign in the place of another.
fn exchange_words(text: &str, random: &mut Random) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let length = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
    if !words.is_empty() {
        let place = random.below(words.len());
        match random.below(4) {
            0 => drop(words.remove(place)),
            1 => words.insert(place, random.pick(&words)),
            _ => words[place] = random.pick(&words),
        }
    }
    words.concat()
}

fn change(file: &mut File, random: &mut Random) {
    let statements = file.statements.len();
    match random.below(10) {
        0 | 1 if statements < 30 => {
            let kind = new_statement(statements, random);
            file.statements.insert(random.below(statements + 1), Statement { kind, span: Span::default() });
        }
        2 if statements > 0 => drop(file.statements.remove(random.below(statements))),
        3 if statements > 1 => {
            let (one, other) = (random.below(statements), random.below(statements));
            file.statements.swap(one, other);
        }
        _ => {
            let others = copies(file, random);
            let mut places = Vec::new();
            file.statements.iter_mut().for_each(|statement| roots(statement, &mut places));
            if !places.is_empty() {
                let root = random.below(places.len());
                change_below(places.swap_remove(root), &others, random);
            }
        }
    }
}

/// Some expressions of a file, to be put elsewhere.
fn copies(file: &File, random: &mut Random) -> Vec<Expr> {
    let mut file = file.clone();
    let mut places = Vec::new();
    file.statements.iter_mut().for_each(|statement| roots(statement, &mut places));
    let walk = |mut place: &mut Expr, random: &mut Random| {
        while random.percent(70) && !children(place).is_empty() {
            let mut below = children(place);
            let number = random.below(below.len());
            place = below.swap_remove(number);
        }
        place.clone()
    };
    let mut found: Vec<Expr> = places.into_iter().map(|place| walk(place, random)).collect();
    found.push(name("x"));
    found
}

/// The expressions of a statement.
fn roots<'a>(statement: &'a mut Statement, places: &mut Vec<&'a mut Expr>) {
    match &mut statement.kind {
        StatementKind::Dim { value, .. } | StatementKind::Binding { value, .. } => places.push(value),
        StatementKind::Definition { body, .. } => places.push(body),
        StatementKind::Output(output) => places.push(&mut output.value),
        StatementKind::Fused { outputs, .. } => places.extend(outputs.iter_mut().map(|output| &mut output.value)),
        StatementKind::Dtype(_) | StatementKind::Numerics(_) | StatementKind::Use { .. } => {}
    }
}

fn children(expr: &mut Expr) -> Vec<&mut Expr> {
    match &mut expr.kind {
        ExprKind::Integer(_) | ExprKind::Float(_) | ExprKind::Name(_) => Vec::new(),
        ExprKind::Unary(_, operand) => vec![operand],
        ExprKind::Binary(_, left, right) => vec![left, right],
        ExprKind::Index(base, index) => vec![base, index],
        ExprKind::Slice(base, from, to) => {
            let bounds = [from, to].into_iter().flatten().map(Box::as_mut);
            std::iter::once(base.as_mut()).chain(bounds).collect()
        }
        ExprKind::List(items) => items.iter_mut().collect(),
        ExprKind::Call { arguments, keywords, .. } => values(arguments, keywords).collect(),
        ExprKind::Reduce { options, arguments, keywords, .. } => {
            options.iter_mut().map(|option| &mut option.value).chain(values(arguments, keywords)).collect()
        }
    }
}

fn values<'a>(arguments: &'a mut [Expr], keywords: &'a mut [Keyword]) -> impl Iterator<Item = &'a mut Expr> {
    arguments.iter_mut().chain(keywords.iter_mut().map(|keyword| &mut keyword.value))
}

fn change_below(mut place: &mut Expr, others: &[Expr], random: &mut Random) {
    while random.percent(75) && !children(place).is_empty() {
        let mut below = children(place);
        let number = random.below(below.len());
        place = below.swap_remove(number);
    }
    let old = place.clone();
    let dim = random.pick(DIMS);
    *place = match (random.below(12), &old.kind) {
        (0..=2, ExprKind::Integer(value)) => integer(match random.below(3) {
            0 => value.saturating_add(1),
            1 => (value - 1).max(0),
            _ => random.pick(INTEGERS),
        }),
        (0..=2, ExprKind::Binary(_, left, right)) => {
            expr(ExprKind::Binary(random.pick(BinaryOperator::ALL), left.clone(), right.clone()))
        }
        (0..=2, ExprKind::Reduce { index, .. }) => reduction(&index.text, random, 3),
        (0..=3, _) => expression(dim, random, 3),
        (4 | 5, _) => random.pick(others),
        (6, _) => call(random.pick(DERIVATIVES), vec![old, input(random)]),
        (7, _) => wrap(old, random),
        (8, _) => {
            let operator = random.pick(BinaryOperator::ALL);
            expr(ExprKind::Binary(operator, Box::new(old), Box::new(random.pick(others))))
        }
        (9, _) => expr(ExprKind::Unary(UnaryOperator::Minus, Box::new(old))),
        (10, _) => expr(match random.below(2) {
            0 => ExprKind::Index(Box::new(old), Box::new(integer(random.below(4) as i64))),
            _ => ExprKind::Slice(Box::new(old), None, Some(Box::new(integer(random.below(4) as i64)))),
        }),
        _ => reduce("Sum", random.pick(&["i", "j"]), vec![old]),
    };
}

/// An operation with that expression as one of its arguments, of whatever dimensions.
fn wrap(inner: Expr, random: &mut Random) -> Expr {
    let operations: Vec<_> = catalogue::operations().collect();
    let (id, operation) = random.pick(&operations);
    let signature = catalogue::signature(id);
    let mut given: Vec<Expr> = signature.places.iter().map(|place| fill(*place, signature, 1, random)).collect();
    if !given.is_empty() {
        let place = random.below(given.len());
        given[place] = inner;
    }
    call(operation.name, given)
}

fn fill(place: Place, signature: &Signature, dim: u32, random: &mut Random) -> Expr {
    match place {
        Place::Argument(_) => expression(dim, random, 1),
        Place::Parameter(number) => {
            let spec = &signature.parameters[number];
            parameter(spec, draw_parameter(spec, random))
        }
    }
}

/// An expression of that dimension, as a rule.
fn expression(dim: u32, random: &mut Random, levels: usize) -> Expr {
    if levels == 0 || random.percent(15) {
        return leaf(dim, random);
    }
    let operations: Vec<_> = catalogue::operations().collect();
    for _ in 0..30 {
        let (id, operation) = random.pick(&operations);
        let signature = catalogue::signature(id);
        if signature.takes_lists() {
            continue;
        }
        let near = [dim, dim, 1, 2, 3, 4];
        let dims: Vec<u32> = signature.arguments.iter().map(|_| random.pick(&near)).collect();
        let parameters: Vec<i64> = signature.parameters.iter().map(|spec| draw_parameter(spec, random)).collect();
        if catalogue::infer_dim(id, &dims, &parameters) != Ok(dim) {
            continue;
        }
        let given = signature.places.iter().map(|place| match *place {
            Place::Argument(number) => expression(dims[number], random, levels - 1),
            Place::Parameter(number) => parameter(&signature.parameters[number], parameters[number]),
        });
        return call(operation.name, given.collect());
    }
    leaf(dim, random)
}

fn leaf(dim: u32, random: &mut Random) -> Expr {
    if dim == 1 && random.percent(20) {
        return match random.below(2) {
            0 => integer(random.pick(INTEGERS)),
            _ => expr(ExprKind::Float(random.pick(FLOATS))),
        };
    }
    name(&format!("{}{dim}", random.pick(&["x", "y", "y", "x", "p", "z"])))
}

fn input(random: &mut Random) -> Expr {
    name(&format!("{}{}", random.pick(&["x", "y", "p"]), random.pick(DIMS)))
}

fn draw_parameter(spec: &ParameterSpec, random: &mut Random) -> i64 {
    match spec.numbers {
        Numbers::Halves => 2 * random.integer(-1, 4) + 1,
        _ => random.pick(&[0, 1, 2, 3, 4, 1, 2, -1, -2, 6]),
    }
}

fn parameter(spec: &ParameterSpec, value: i64) -> Expr {
    match spec.numbers {
        Numbers::Halves => {
            expr(ExprKind::Binary(BinaryOperator::Divide, Box::new(integer(value)), Box::new(integer(2))))
        }
        Numbers::List => expr(ExprKind::List(vec![integer(value), integer(2)])),
        _ => integer(value),
    }
}

/// A reduction over that index, of formulas of any dimensions that it takes.
fn reduction(index: &str, random: &mut Random, levels: usize) -> Expr {
    let all: Vec<_> = reductions::reductions().collect();
    for _ in 0..30 {
        let (id, row) = random.pick(&all);
        let signature = reductions::signature(id);
        let dims: Vec<u32> = signature.arguments.iter().map(|_| random.pick(&[1, 1, 2, 3, 4, 100])).collect();
        let parameters: Vec<i64> = signature.parameters.iter().map(|spec| draw_parameter(spec, random)).collect();
        if reductions::infer(id, &dims, &parameters).is_err() {
            continue;
        }
        let count = if random.percent(50) { dims.len() } else { signature.required_arguments() };
        let arguments = dims.into_iter().take(count).map(|dim| expression(dim, random, levels)).collect();
        let mut made = reduce(row.name, index, arguments);
        if let ExprKind::Reduce { options, .. } = &mut made.kind {
            options.extend(
                signature
                    .parameters
                    .iter()
                    .zip(&parameters)
                    .map(|(spec, value)| Keyword { name: named(&spec.name), value: parameter(spec, *value) }),
            );
        }
        return made;
    }
    reduce("Sum", index, vec![expression(1, random, levels)])
}

fn new_statement(number: usize, random: &mut Random) -> StatementKind {
    let value = |random: &mut Random| {
        let index = random.pick(&["i", "j"]);
        let reduced = reduction(index, random, 3);
        match random.below(4) {
            0 => call(random.pick(DERIVATIVES), vec![reduced, input(random)]),
            1 => expr(ExprKind::Binary(
                random.pick(BinaryOperator::ALL),
                Box::new(reduced),
                Box::new(reduction(index, random, 2)),
            )),
            _ => reduced,
        }
    };
    let output = |suffix: usize, random: &mut Random| {
        let (key, set) = random.pick(SETTINGS);
        let numerics =
            if random.percent(20) { vec![Setting { key: named(key), value: named(set) }] } else { Vec::new() };
        Output { name: named(&format!("o{suffix}")), value: value(random), numerics }
    };
    match random.below(11) {
        10 => StatementKind::Use { library: Library::Known(named(random.pick(LIBRARIES).0)), file: None },
        0 => StatementKind::Dtype(named(random.pick(DTYPES))),
        1 => {
            let (key, set) = random.pick(SETTINGS);
            StatementKind::Numerics(vec![Setting { key: named(key), value: named(set) }])
        }
        2 => {
            let dim = random.pick(DIMS);
            StatementKind::Binding { name: named(&format!("K{number}")), value: expression(dim, random, 3) }
        }
        3 => StatementKind::Definition {
            name: named(&format!("f{number}")),
            parameters: vec![named("u"), named("v")],
            body: call("Exp", vec![call("SqDist", vec![name("u"), name("v")])]),
        },
        4 => StatementKind::Fused {
            name: named(&format!("v{number}")),
            outputs: (0..=random.below(3)).map(|one| output(10 * number + one, random)).collect(),
        },
        5 => {
            let category = random.pick(&["Vi", "Vj", "Pm"]);
            let mut value = call(category, vec![integer(random.pick(DIMS).into())]);
            if let ExprKind::Call { keywords, .. } = &mut value.kind {
                keywords.push(Keyword { name: named("dtype"), value: name(random.pick(DTYPES)) });
            }
            StatementKind::Binding { name: named(&format!("z{}", random.pick(DIMS))), value }
        }
        _ => StatementKind::Output(output(number, random)),
    }
}

/// Declares the inputs whose names tell category and dimension, where they are used and nobody does.
fn declare(file: &mut File) {
    let mut used = BTreeSet::new();
    let mut places = Vec::new();
    file.statements.iter_mut().for_each(|statement| roots(statement, &mut places));
    while let Some(place) = places.pop() {
        if let ExprKind::Name(text) = &place.kind {
            used.insert(text.clone());
        }
        places.extend(children(place));
    }
    let declared: BTreeSet<String> = file
        .statements
        .iter()
        .filter_map(|statement| match &statement.kind {
            StatementKind::Binding { name, .. } => Some(name.text.clone()),
            _ => None,
        })
        .collect();
    let declaration = |text: &String| {
        let category = match text.get(..1)? {
            "x" => "Vi",
            "y" | "z" => "Vj",
            "p" => "Pm",
            _ => return None,
        };
        let dim: u32 = text.get(1..)?.parse().ok().filter(|dim| DIMS.contains(dim))?;
        let kind = StatementKind::Binding { name: named(text), value: call(category, vec![integer(dim.into())]) };
        Some(Statement { kind, span: Span::default() })
    };
    let missing: Vec<Statement> = used.difference(&declared).filter_map(declaration).collect();
    file.statements.splice(0..0, missing);
}

fn expr(kind: ExprKind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn integer(value: i64) -> Expr {
    expr(ExprKind::Integer(value))
}

fn name(text: &str) -> Expr {
    expr(ExprKind::Name(text.to_owned()))
}

fn named(text: &str) -> Name {
    Name { text: text.to_owned(), span: Span::default() }
}

fn call(function: &str, arguments: Vec<Expr>) -> Expr {
    expr(ExprKind::Call { function: named(function), arguments, keywords: Vec::new() })
}

fn reduce(function: &str, index: &str, arguments: Vec<Expr>) -> Expr {
    let (function, index) = (named(function), named(index));
    expr(ExprKind::Reduce { function, index, options: Vec::new(), arguments, keywords: Vec::new() })
}
