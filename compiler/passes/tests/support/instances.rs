//! Instances of laws: files whose one result is a law's left side, with inputs, constants and parameters for its names.

use std::collections::BTreeMap;

use keopsc_grammar::print_expression;
use keopsc_grammar::syntax::{Expr, ExprKind};
use keopsc_ir::formula::Program;
use keopsc_ops::catalogue::{Accuracy, Condition, ParsedLaw, Pays, operators};
use keopsc_ops::{OperationId, catalogue};
use keopsc_passes::resolve::{Options, resolve};
use keopsc_passes::simplify::{Applied, rules, simplify_with};
use keopsc_passes::without::Without;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// A formula of that dimension, and what is made of the input so that a condition holds.
    Formula(u32, &'static str),
    /// A constant.
    Constant(f64),
    /// A parameter.
    Integer(i64),
}

/// One choice for all names.
pub type Choice = BTreeMap<String, Meaning>;

const DIMS: &[u32] = &[1, 3, 2, 6];
const CONSTANTS: &[f64] = &[2.0, 0.5, 0.0, -3.0, 0.1, 3.0, -0.5, 1e30, 1e-30];
const INTEGERS: &[i64] = &[3, 4, 0, 1, 2, -1, -2, 5, 6, 65, -65];
const FEW_INTEGERS: &[i64] = &[0, 1, 2, 3, 4];

/// All choices of dimensions, constants and parameters. Formulas are made so that conditions on them hold, but for the one of that number.
pub fn choices(law: &ParsedLaw, but: Option<usize>) -> Vec<Choice> {
    choices_of(law, but, DIMS.to_vec())
}

/// The same of these dimensions.
pub fn choices_of(law: &ParsedLaw, but: Option<usize>, mut dims: Vec<u32>) -> Vec<Choice> {
    dims.sort_unstable();
    dims.dedup();
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    collect(&law.left, &mut kinds);
    let integers = kinds.values().filter(|kind| **kind == Kind::Integer).count();
    let mut all = vec![Choice::new()];
    for (name, kind) in &kinds {
        let meanings: Vec<Meaning> = match kind {
            Kind::Formula => {
                let form = form_of(law, name, but);
                dims.iter().map(|&dim| Meaning::Formula(dim, form)).collect()
            }
            Kind::Constant => CONSTANTS.iter().map(|&value| Meaning::Constant(value)).collect(),
            Kind::Integer => {
                let range = if integers > 2 { FEW_INTEGERS } else { INTEGERS };
                range.iter().map(|&value| Meaning::Integer(value)).collect()
            }
        };
        let with = |choice: &Choice, meaning: &Meaning| {
            let mut choice = choice.clone();
            choice.insert(name.clone(), meaning.clone());
            choice
        };
        all = all
            .iter()
            .flat_map(|choice| meanings.iter().map(|meaning| with(choice, meaning)).collect::<Vec<_>>())
            .collect();
    }
    all
}

/// What makes the conditions on a name hold, but for one: a formula in `_`.
fn form_of(law: &ParsedLaw, name: &str, but: Option<usize>) -> &'static str {
    let met = law.conditions.iter().enumerate().filter(|(number, _)| Some(*number) != but);
    let mut of_name = met.filter_map(|(_, condition)| match condition {
        Condition::Nonnegative(of) if of == name => Some("Abs(_)"),
        Condition::Positive(of) if of == name => Some("(0.125 + Abs(_))"),
        Condition::Rounded(of) if of == name => Some("(_ * _r)"),
        _ => None,
    });
    of_name.next_back().unwrap_or("")
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Formula,
    Constant,
    Integer,
}

fn collect(expr: &Expr, kinds: &mut BTreeMap<String, Kind>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            let kind = if matches!(name.as_str(), "c" | "d") { Kind::Constant } else { Kind::Formula };
            kinds.insert(name.clone(), kind);
        }
        ExprKind::Unary(_, operand) => collect(operand, kinds),
        ExprKind::Binary(_, left, right) => [left, right].into_iter().for_each(|side| collect(side, kinds)),
        ExprKind::Call { function, arguments, .. } => {
            let id = catalogue::find_operation(&function.text).expect("known");
            let (formulas, integers) = catalogue::signature(id).sort_call(arguments.iter().collect());
            formulas.into_iter().for_each(|formula| collect(formula, kinds));
            for integer in integers {
                if let ExprKind::Name(name) = &integer.kind {
                    kinds.insert(name.clone(), Kind::Integer);
                }
            }
        }
        _ => {}
    }
}

/// The file of a choice: a law's side as its result.
pub fn file(side: &Expr, choice: &Choice, law: &ParsedLaw) -> String {
    let numerics = if law.law.accuracy == Accuracy::Loose { " numerics algebra = fast" } else { "" };
    format!("{}out result = {}{numerics}\n", declarations(choice, "Vi"), written(side, choice))
}

/// The inputs of a choice, as `Vi`, `Vj` or `Pm`.
pub fn declarations(choice: &Choice, kind: &str) -> String {
    let inputs = choice.iter().filter_map(|(name, meaning)| match meaning {
        Meaning::Formula(dim, _) => Some(format!("{name} = {kind}({dim}); {name}_r = {kind}({dim})\n")),
        _ => None,
    });
    inputs.collect()
}

/// The choice with the names that the law's conditions define.
pub fn defined(law: &ParsedLaw, choice: &Choice) -> Choice {
    let mut choice = choice.clone();
    for condition in &law.conditions {
        let Condition::Define(name, value) = condition else { continue };
        let number = match &value.kind {
            ExprKind::Name(of) => match choice.get(of) {
                Some(Meaning::Constant(number)) => Some(*number as i64),
                _ => None,
            },
            ExprKind::Call { arguments, .. } => match arguments.first().map(|argument| &argument.kind) {
                Some(ExprKind::Name(of)) => match choice.get(of) {
                    Some(Meaning::Formula(dim, _)) => Some(i64::from(*dim)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        let number = number.unwrap_or_else(|| panic!("`{}` defines `{name}` in another way", law.name));
        choice.insert(name.clone(), Meaning::Integer(number));
    }
    choice
}

/// A side with the names' meanings in their place.
pub fn written(side: &Expr, choice: &Choice) -> String {
    let text = print_expression(side);
    let mut words = String::new();
    let mut word = String::new();
    for character in text.chars().chain(std::iter::once(' ')) {
        if character.is_ascii_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        words += &match choice.get(&word) {
            Some(Meaning::Formula(_, "")) | None => word.clone(),
            Some(Meaning::Formula(_, form)) => {
                form.replace('_', &word).replace(&format!("{word}r"), &format!("{word}_r"))
            }
            Some(Meaning::Constant(value)) => format!("({value:?})"),
            Some(Meaning::Integer(value)) => value.to_string(),
        };
        word.clear();
        words.push(character);
    }
    words
}

/// The program of a file, if it has no mistakes.
pub fn program(text: &str) -> Option<Program> {
    let (file, errors) = keopsc_grammar::parse_file(text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    resolve(&file, &Options::default()).0
}

/// Simplification by this law alone, and the evaluation of constants, which right sides rely on.
pub fn by_this_law(law: &ParsedLaw, program: &Program) -> (Program, Applied) {
    let rules = rules().filter(|rule| !["evaluate_constants", "apply_laws"].contains(rule)).collect();
    let laws = catalogue::laws().filter(|other| !std::ptr::eq(*other, law)).collect();
    simplify_with(program, &Without { rules, laws })
}

/// Whether the law's name is among what was applied.
pub fn was_applied(law: &ParsedLaw, applied: &Applied) -> bool {
    applied.iter().any(|(name, _)| name == law.name)
}

/// What a side begins with.
pub fn outermost(expr: &Expr) -> Option<OperationId> {
    match &expr.kind {
        ExprKind::Unary(operator, _) => operators::unary(*operator),
        ExprKind::Binary(operator, ..) => Some(operators::binary(*operator).0),
        ExprKind::Call { function, .. } => catalogue::find_operation(&function.text),
        _ => None,
    }
}

/// Whether a law is applied where it matches, whatever that saves.
pub fn is_always_applied(law: &ParsedLaw) -> bool {
    law.law.pays == Pays::Always
}
