//! Every row of the catalogue is sound: it parses, has its kinds and components right at several dimensions, and its
//! gradient and laws hold numerically.

mod support;

use std::collections::HashSet;

use keopsc_grammar::syntax::{Expr, ExprKind};
use keopsc_ops::catalogue::{self, Accuracy, Pays, Sign, Value, When, operators};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Scalar, evaluate};
use keopsc_ops::signature::Place;
use keopsc_ops::{OperationId, evaluate_integer};
use support::{Numbers, Vectors, applications, apply, formula};

/// Names that recipes and gradients give a meaning.
const RESERVED: &[&str] = &["k", "e", "out", "inf", "nan", "int", "nonzero", "half", "where"];

#[test]
fn names_are_unique() {
    let rows = catalogue::operations().map(|(_, row)| row);
    let mut names: Vec<&str> = rows.flat_map(|row| row.aliases.iter().copied().chain([row.name])).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
    for (id, row) in catalogue::operations() {
        assert_eq!(catalogue::find_operation(row.name), Some(id));
        for alias in row.aliases {
            assert_eq!(catalogue::find_operation(alias), Some(id));
        }
    }
}

fn reference_page() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
    std::fs::read_to_string(page).expect("the page can be read")
}

/// The page has names in headings and further ones below: `Add(f: n|1, g: n|1) -> n`, also called `add`.
#[test]
fn names_of_the_reference_are_known() {
    let page = reference_page();
    let of_headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let lists = page.lines().filter_map(|line| line.split_once(", also called "));
    let of_lists = lists.flat_map(|(_, names)| names.split('`').skip(1).step_by(2));
    let unknown: Vec<&str> =
        of_headings.chain(of_lists).filter(|name| catalogue::find_operation(name).is_none()).collect();
    assert_eq!(unknown, [""; 0]);
}

/// The page has a law as `a + 0` → `a`.
#[test]
fn laws_of_the_reference_are_in_the_table() {
    let rows = || catalogue::operations().map(|(_, row)| row);
    let laws = rows().flat_map(|row| row.laws).map(|law| (law.left, law.right));
    let early = rows().flat_map(|row| row.early_laws).map(|law| (law.left, law.right));
    let known: HashSet<(&str, &str)> = laws.chain(early).collect();
    let page = reference_page();
    let written: Vec<Vec<&str>> =
        page.lines().filter(|line| line.contains("` → `")).map(|line| line.split('`').collect()).collect();
    let unknown: Vec<_> = written.iter().filter(|parts| !known.contains(&(parts[1], parts[3]))).collect();
    assert!(unknown.is_empty() && written.len() > 100, "{unknown:?}");
}

#[test]
fn rows_are_complete() {
    for (id, row) in catalogue::operations() {
        let signature = catalogue::signature(id);
        assert_eq!(signature.results.len(), 1, "{}", row.name);
        assert_eq!(row.domain.len(), signature.required_arguments().max(row.domain.len()), "{}", row.name);
        assert!(row.domain.len() <= signature.arguments.len(), "{}", row.name);
        assert!(row.domain.iter().all(|(low, high)| low < high), "{}: {:?}", row.name, row.domain);
        assert!(row.doc.ends_with('.'), "{}: {}", row.name, row.doc);
        assert!(row.gradient.is_empty() || matches!(row.value, Value::Recipe(_)), "{}", row.name);
        for argument in &signature.arguments {
            assert!(!RESERVED.contains(&argument.name.as_str()), "{}", row.name);
        }
    }
}

#[test]
fn recipes_read_only_components_that_are_there() {
    for (id, row) in catalogue::operations() {
        let applications = applications(id);
        assert!(!applications.is_empty(), "{} fits no small dimensions", row.name);
        for (dims, parameters) in applications {
            // Expansions are run, small ones at least, so that one that did not come to an end would be noticed.
            if !matches!(row.value, Value::Recipe(_)) {
                if dims.iter().sum::<u32>() > 9 {
                    continue;
                }
                let arguments: Vec<_> = dims.iter().map(|dim| vec![0.5; *dim as usize]).collect();
                apply(id, &arguments, &parameters);
                continue;
            }
            let scalar = catalogue::instantiate(id, &dims, &parameters).expect("it fits");
            let dim = catalogue::infer_dim(id, &dims, &parameters).expect("it fits");
            for k in 0..dim as usize {
                evaluate(&scalar, k, |argument, index| {
                    assert!(index < dims[*argument as usize] as usize, "{}{dims:?}", row.name);
                    0.5
                });
            }
        }
    }
}

/// What may stand for all components stands for them; nothing else does, and nothing that has no components.
/// Those who look into recipes find what the row computes, and nothing where it stands for a formula or does not fit.
#[test]
fn recipes_without_parameters_compute_the_row() {
    let mut numbers = Numbers(7);
    for (id, row) in catalogue::operations() {
        let is_recipe = matches!(row.value, Value::Recipe(_));
        for (dims, _) in applications(id).into_iter().filter(|(_, parameters)| parameters.is_empty()) {
            let Some(recipe) = catalogue::instantiate_recipe(id, &dims) else {
                assert!(!is_recipe, "{}{dims:?}", row.name);
                continue;
            };
            assert!(is_recipe, "{}{dims:?}", row.name);
            let arguments: Vec<Vec<f64>> =
                dims.iter().map(|dim| (0..*dim).map(|_| numbers.within((0.1, 0.9))).collect()).collect();
            for (k, expected) in apply(id, &arguments, &[]).into_iter().enumerate() {
                let found = evaluate(&recipe, k, |argument, index| arguments[*argument as usize][index]);
                assert_eq!(found.to_bits(), expected.to_bits(), "component {k} of {}{dims:?}", row.name);
            }
        }
        assert_eq!(catalogue::instantiate_recipe(id, &[]), None, "{} needs arguments", row.name);
    }
}

#[test]
fn what_is_repeated() {
    for (name, repeated) in [("Exp", 0), ("Add", 1), ("ComplexMult", 2)] {
        let signature = catalogue::signature(catalogue::find_operation(name).expect("known"));
        let found: Vec<u32> = (0..5).filter(|dim| signature.arguments[0].pattern.is_repeated(*dim)).collect();
        assert_eq!(found, if repeated == 0 { Vec::new() } else { vec![repeated] }, "{name}");
    }
}

#[test]
fn constants_are_folded() {
    let round = catalogue::find_operation("Round").expect("there is Round");
    let scalar = catalogue::instantiate(round, &[1], &[0]).expect("it fits");
    assert!(
        matches!(scalar, Scalar::Call(Intrinsic::Round, ref arguments) if matches!(arguments[..], [Scalar::Component(..)]))
    );
}

#[test]
fn integer_powers_are_multiplications() {
    let power = catalogue::find_operation("IntegerPower").expect("there is IntegerPower");
    for (exponent, uses_pow) in [(3, false), (-5, false), (64, false), (65, true)] {
        let mut found = false;
        let scalar = catalogue::instantiate(power, &[1], &[exponent]).expect("it fits");
        scalar.visit(&mut |part| found |= matches!(part, Scalar::Call(Intrinsic::Pow, _)));
        assert_eq!(found, uses_pow, "{exponent}");
    }
}

#[test]
fn gradients_name_only_what_they_may() {
    for (id, row) in catalogue::operations() {
        let signature = catalogue::signature(id);
        let mut allowed: HashSet<String> = ["e", "out"].map(str::to_owned).into();
        allowed.extend(signature.arguments.iter().map(|argument| argument.name.clone()));
        let (dims, parameters) = applications(id).swap_remove(0);
        let integers = catalogue::integers(id, &dims, &parameters).expect("it fits");
        allowed.extend(integers.iter().map(|(name, _)| name.to_owned()));
        for (_, text) in catalogue::gradient(id) {
            let unknown = names(text).into_iter().find(|name| !allowed.contains(name));
            assert_eq!(unknown, None, "gradient of {}", row.name);
        }
    }
}

/// Operations and names of a formula. Operations have to be known.
fn names(expr: &Expr) -> Vec<String> {
    match &expr.kind {
        ExprKind::Name(name) => vec![name.clone()],
        ExprKind::Unary(_, operand) => names(operand),
        ExprKind::Binary(_, left, right) => [names(left), names(right)].concat(),
        ExprKind::Call { function, arguments, .. } => {
            assert!(catalogue::find_operation(&function.text).is_some(), "{}", function.text);
            arguments.iter().flat_map(names).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn gradients_are_those_of_the_values() {
    let mut numbers = Numbers(1);
    for (id, row) in catalogue::operations() {
        if !matches!(row.value, Value::Recipe(_)) {
            continue;
        }
        for (dims, parameters) in applications(id).into_iter().take(40) {
            check_gradient(id, &dims, &parameters, &mut numbers);
        }
    }
}

/// Compares the gradient text, for the cotangent `e`, with central differences of the sum of `e * out`.
fn check_gradient(id: OperationId, dims: &[u32], parameters: &[i64], numbers: &mut Numbers) {
    let row = catalogue::operation(id);
    let domain = |position: usize| row.domain.get(position).copied().unwrap_or((0.0, 0.0));
    let draw = |(position, dim): (usize, &u32), numbers: &mut Numbers| -> Vec<f64> {
        (0..*dim).map(|_| numbers.within(domain(position))).collect()
    };
    let arguments: Vec<Vec<f64>> = dims.iter().enumerate().map(|argument| draw(argument, numbers)).collect();
    let out = apply(id, &arguments, parameters);
    let e: Vec<f64> = out.iter().map(|_| numbers.within((-1.0, 1.0))).collect();
    let loss = |arguments: &[Vec<f64>]| -> f64 {
        apply(id, arguments, parameters).iter().zip(&e).map(|(out, e)| out * e).sum()
    };
    let names = catalogue::signature(id).arguments.iter().map(|argument| argument.name.clone());
    let mut vectors: Vectors = names.zip(arguments.iter().cloned()).collect();
    vectors.insert("out".to_owned(), out);
    vectors.insert("e".to_owned(), e.clone());
    let integers = catalogue::integers(id, dims, parameters).expect("it fits");
    for (position, argument) in arguments.iter().enumerate() {
        let text = catalogue::gradient(id).iter().find(|(of, _)| *of == position);
        let mut given = text.map_or(vec![0.0; argument.len()], |(_, text)| formula(text, &vectors, &integers));
        match (argument.len(), given.len()) {
            // What stands for several components gets the sum over its repetitions.
            (few, several) if several > few && several % few == 0 => {
                given = (0..few).map(|component| given.iter().skip(component).step_by(few).sum()).collect();
            }
            (several, 1) => given = vec![given[0]; several],
            (expected, given) => assert_eq!(expected, given, "gradient {position} of {}", row.name),
        }
        for component in 0..argument.len() {
            let step = 1e-5;
            let at = |shift: f64| {
                let mut shifted = arguments.to_vec();
                shifted[position][component] += shift;
                loss(&shifted)
            };
            let expected = (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
            let tolerance = 1e-7 * expected.abs().max(1.0);
            assert!(
                (given[component] - expected).abs() <= tolerance,
                "{}{dims:?}{parameters:?}: gradient {position}, component {component} is {}, not {expected}",
                row.name,
                given[component],
            );
        }
    }
}

/// That each law is applied and keeps its accuracy is tested where it is applied: `compiler/passes/tests/laws.rs`.
#[test]
fn laws_can_be_read_and_are_not_stricter_than_their_kind() {
    for law in catalogue::laws() {
        assert_eq!(law.conditions.len(), law.law.when.len(), "{}", law.name);
        assert!(
            law.law.accuracy != Accuracy::Loose || law.law.pays == Pays::Tried,
            "`{}` is loose and always applied",
            law.name
        );
        if let Accuracy::Rounding(factor) = law.law.accuracy {
            assert!((1..=4).contains(&factor), "`{}` loses more than the accuracy rule allows", law.name);
        }
    }
    assert!(catalogue::laws().count() > 100);
}

#[test]
fn early_laws_hold() {
    let mut numbers = Numbers(3);
    let mut count = 0;
    for (id, row) in catalogue::operations() {
        for law in catalogue::early_laws(id) {
            assert_eq!(outermost(&law.left), Some(id), "{}", row.name);
            let parameters: Vec<i64> = vec![2; catalogue::signature(id).parameters.len()];
            let dims = vec![3; catalogue::signature(id).arguments.len()];
            let integers = catalogue::integers(id, &dims, &parameters).expect("it fits");
            // Scales whose squares are not numbers, though those of products or quotients are; what has a root has a square.
            let exponent = |name: &'static str| if law.when == When::HasRoot(name) { 500 } else { 540 };
            let scale =
                |sign_a: i32, sign_b: i32| (2f64.powi(sign_a * exponent("a")), 2f64.powi(sign_b * exponent("b")));
            let scales = [scale(0, 0), scale(1, -1), scale(-1, 1), scale(1, 1), scale(-1, -1)];
            for ((dim_a, dim_b), (scale_a, scale_b)) in
                [(3, 3), (1, 3), (3, 1)].into_iter().flat_map(|dims| scales.map(|scales| (dims, scales)))
            {
                let low = if matches!(law.when, When::Nonnegative(_)) { 0.0 } else { -2.0 };
                let mut draw = |dim: usize, low: f64, scale: f64| {
                    (0..dim).map(|_| scale * numbers.within((low, 2.0))).collect::<Vec<f64>>()
                };
                let (a, b) = (draw(dim_a, low, scale_a), draw(dim_b, -2.0, scale_b));
                let vectors: Vectors = [("a".to_owned(), a), ("b".to_owned(), b)].into();
                let left = formula(&law.left, &vectors, &integers);
                let right = formula(&law.right, &vectors, &integers);
                assert_eq!(left.len(), right.len(), "{:?}", law.left);
                for (left, right) in left.iter().zip(&right) {
                    let close = left == right || (left - right).abs() <= 1e-14 * left.abs().max(1.0);
                    assert!(close || (left.is_nan() && right.is_nan()), "{left} is not {right}: {:?}", law.left);
                }
                count += 1;
            }
        }
    }
    assert!(count > 20);
}

/// Laws and recipes have arguments before parameters, so only what expands may have them in another order.
#[test]
fn parameters_come_first_in_expansions_only() {
    for (id, row) in catalogue::operations() {
        let places = &catalogue::signature(id).places;
        let is_argument = |place: &Place| matches!(place, Place::Argument(_));
        let mixed = places.iter().skip_while(|place| is_argument(place)).any(is_argument);
        assert!(!mixed || matches!(row.value, Value::Expansion(_)), "{}", row.name);
    }
}

fn outermost(expr: &Expr) -> Option<OperationId> {
    match &expr.kind {
        ExprKind::Unary(operator, _) => operators::unary(*operator),
        ExprKind::Binary(operator, ..) => Some(operators::binary(*operator).0),
        ExprKind::Call { function, .. } => catalogue::find_operation(&function.text),
        _ => None,
    }
}

#[test]
fn signs_are_what_rows_say() {
    let mut numbers = Numbers(7);
    for (id, row) in catalogue::operations() {
        let (names, positive) = match row.sign {
            Sign::Unknown => continue,
            Sign::Nonnegative => (&[][..], false),
            Sign::NonnegativeIf(names) | Sign::OfProduct(names) => (names, false),
            Sign::AsLargest(names) => (names, true),
        };
        let bound: Vec<usize> = catalogue::positions(id, names).collect();
        assert_eq!(bound.len(), names.len(), "{}", row.name);
        for (dims, parameters) in applications(id).into_iter().take(30) {
            for _ in 0..20 {
                let draw = |(position, dim): (usize, &u32)| -> Vec<f64> {
                    let low = if bound.contains(&position) { 0.0 } else { -3.0 };
                    (0..*dim).map(|_| numbers.within((low, 3.0))).collect()
                };
                let arguments: Vec<Vec<f64>> = dims.iter().enumerate().map(draw).collect();
                for component in apply(id, &arguments, &parameters) {
                    let right = component >= 0.0 && (!positive || component > 0.0);
                    assert!(right || component.is_nan(), "{}{arguments:?}{parameters:?} is {component}", row.name);
                }
            }
        }
    }
}

/// Rows that say nothing of it and have no value below 0 for arguments between `low` and 9.
fn silent_rows(said: impl Fn(Sign) -> bool, low: f64) -> Vec<&'static str> {
    let mut numbers = Numbers(11);
    let recipes = catalogue::operations().filter(|(_, row)| matches!(row.value, Value::Recipe(_)) && !said(row.sign));
    let mut is_negative = |id: OperationId, (dims, parameters): (Vec<u32>, Vec<i64>)| {
        let draw = |dim: &u32| (0..*dim).map(|_| numbers.within((low, 9.0))).collect();
        let arguments: Vec<Vec<f64>> = dims.iter().map(draw).collect();
        apply(id, &arguments, &parameters).iter().any(|component| *component < 0.0)
    };
    let draws = |id| (0..20).flat_map(move |_| applications(id).into_iter().take(30));
    let silent = recipes.filter(|(id, _)| !draws(*id).any(|application| is_negative(*id, application)));
    silent.map(|(_, row)| row.name).collect()
}

/// What is never below 0 says so, but for rows that no condition of a law asks, and `Powf`, which is for whole numbers alone.
#[test]
fn rows_say_that_they_are_not_negative() {
    let unasked =
        ["Powf", "Acosh", "Erfc", "SphericalLambdaOfSquare", "SmoothMaternShape", "InInterval", "ComplexSquareAbs"];
    assert_eq!(silent_rows(|sign| sign == Sign::Nonnegative, -9.0), unasked);
}

/// So does what is not for arguments that are not, operations of complex numbers aside.
#[test]
fn rows_say_that_they_keep_the_sign() {
    let mut silent = silent_rows(|sign| sign != Sign::Unknown, 0.0);
    silent.retain(|name| !name.contains("Complex"));
    let unasked = [
        "DivideOrZero",
        "Mod",
        "LogAddExp",
        "ZeroIfMinusInfinity",
        "Atan2",
        "Asinh",
        "Acosh",
        "Atanh",
        "Erf",
        "Erfc",
        "HurwitzZeta",
        "SphericalLambdaOfSquare",
        "SmoothMaternShape",
        "MatMatMult",
        "Transpose",
        "InInterval",
    ];
    assert_eq!(silent, unasked);
}

#[test]
fn shape_errors_say_what_is_wrong() {
    let check = |name: &str, dims: &[u32], parameters: &[i64], expected: &str| {
        let id = catalogue::find_operation(name).expect("known");
        let error = catalogue::infer_dim(id, dims, parameters).expect_err("an error");
        assert_eq!(error.to_string(), expected);
    };
    check(
        "Add",
        &[3, 2],
        &[],
        "dimensions do not fit `Add(f: n|1, g: n|1) -> n`: `Add` is given `f` of dimension 3 for `n|1`, \
         `g` of dimension 2 for `n|1`",
    );
    check(
        "MatVecMult",
        &[7, 3],
        &[],
        "dimensions do not fit `MatVecMult(A: n*p, b: p) -> n`: `MatVecMult` is given `A` of dimension 7 for `n*p`, \
         `b` of dimension 3 for `p`",
    );
    check("Elem", &[3], &[3], "`m` of `Elem` is 3, but has to be from 0 to 2");
    check("SumT", &[1], &[0], "`d` of `SumT` is 0, but has to be at least 1");
    check("IntInv", &[], &[0], "`n` of `IntInv` is 0, but has to be different from 0");
    check("Exp", &[1, 1], &[], "`Exp` takes other arguments: `Exp(f: n) -> n`; given are 2 formulas and 0 integers");
    check("TensorProd", &[100_000, 100_000], &[], "the result of `TensorProd` has more than 16777216 components");
    check("SumT", &[1], &[i64::MAX], "the result of `SumT` has more than 16777216 components");
    check("Extract", &[3], &[i64::MIN, 1], "`start` of `Extract` is -9223372036854775808, but has to be from 0 to 2");
    check("Matern", &[3], &[4], "`nu` of `Matern` is 2, but has to be one of 1/2, 3/2, … 15/2");
    check("Matern", &[3], &[17], "`nu` of `Matern` is 17/2, but has to be one of 1/2, 3/2, … 15/2");
    check(
        "WeightedSqNorm",
        &[5, 3],
        &[],
        "dimensions do not fit `WeightedSqNorm(s: m, f: n) -> 1`: `WeightedSqNorm` is given `s` of dimension 5 for `m`, \
         `f` of dimension 3 for `n`",
    );
}

#[test]
fn lists_that_do_not_fit_are_told() {
    let check = |name: &str, dims: &[u32], lists: &[&[i64]], expected: &str| {
        let id = catalogue::find_operation(name).expect("known");
        let parameters: Vec<i64> = lists.iter().flat_map(|list| [&[list.len() as i64], *list].concat()).collect();
        let error = catalogue::infer_dim(id, dims, &parameters).expect_err("an error");
        assert_eq!(error.to_string(), format!("`{name}` cannot be applied here: {expected}"));
    };
    let dot = |lists: &[&[i64]], expected: &str| check("TensorDot", &[6, 12], lists, expected);
    dot(&[&[2, 4], &[3, 4], &[], &[], &[]], "the extents [2, 4] of `dimsf` do not make the 6 components of `f`");
    dot(&[&[2, 3], &[3, -4], &[], &[], &[]], "`dimsg` has an extent below 1");
    dot(&[&[2, 3], &[3, 4], &[1], &[1], &[]], "the axes summed over have the extents [3] in `f` and [4] in `g`");
    dot(&[&[2, 3], &[3, 4], &[1], &[0, 1], &[]], "the axes summed over have the extents [3] in `f` and [3, 4] in `g`");
    dot(&[&[2, 3], &[3, 4], &[2], &[0], &[]], "`contf` names axis 2, but the 2 axes are counted from 0");
    dot(&[&[2, 3], &[3, 4], &[1], &[0], &[0]], "`permute` has 1 places for 2 axes");
    dot(&[&[2, 3], &[3, 4], &[1], &[0], &[0, 0]], "`permute` names axis 0 twice");
    check("Kron", &[6, 4], &[&[2, 3], &[4]], "`dimsf` has 2 extents and `dimsg` 1");
    check(
        "ComplexRealScal",
        &[4, 4],
        &[],
        "of 4 and 4 components, neither is a real number, or as many, for complex numbers in the other",
    );
    check(
        "SoftDTW_SqDist",
        &[40, 40, 1],
        &[],
        "sequences of 40 and 40 numbers are too long: together they may have 64",
    );
}

#[test]
fn conditions_of_expansions_are_integer_expressions() {
    for (id, row) in catalogue::operations() {
        let Value::Expansion(cases) = row.value else {
            continue;
        };
        let (dims, parameters) = applications(id).swap_remove(0);
        let integers = catalogue::integers(id, &dims, &parameters).expect("it fits");
        for (condition, _) in cases.iter().filter(|(condition, _)| !condition.is_empty()) {
            let condition = keopsc_grammar::parse_expression(condition).expect("it parses");
            assert!(evaluate_integer(&condition, &integers).is_some(), "{}", row.name);
        }
    }
}

/// What is linear in an argument says so, or is not linear at one point.
#[test]
fn rows_say_what_they_are_linear_in() {
    let mut numbers = Numbers(12);
    let mut wrong = Vec::new();
    for (id, row) in catalogue::operations().filter(|(_, row)| matches!(row.value, Value::Recipe(_))) {
        for position in 0..catalogue::signature(id).arguments.len() {
            let mut is_linear = |(dims, parameters): (Vec<u32>, Vec<i64>)| {
                let mut draw = |dim: &u32| -> Vec<f64> { (0..*dim).map(|_| numbers.within((-2.0, 2.0))).collect() };
                let mut arguments: Vec<Vec<f64>> = dims.iter().map(&mut draw).collect();
                let Some(other) = dims.get(position).map(draw) else { return true };
                let mut value = |argument: Vec<f64>| {
                    arguments[position] = argument;
                    apply(id, &arguments, &parameters)
                };
                let first: Vec<f64> = other.iter().map(|component| 0.5 - component).collect();
                let parts = value(first).into_iter().zip(value(other.clone()));
                let sum = value(vec![0.5; other.len()]);
                parts.zip(sum).all(|((a, b), sum)| (a + b - sum).abs() < 1e-9)
            };
            let linear = applications(id).into_iter().take(20).all(&mut is_linear);
            if linear != catalogue::linear_positions(id).any(|other| other == position) {
                wrong.push((row.name, position));
            }
        }
    }
    assert_eq!(wrong, [("ZeroIfMinusInfinity", 0), ("Equal", 0), ("Equal", 1), ("Not", 0)]);
}

#[test]
fn properties_hold() {
    let mut numbers = Numbers(6);
    for (id, row) in catalogue::operations() {
        let linear: Vec<usize> = catalogue::linear_positions(id).collect();
        assert_eq!(linear.len(), row.linear_in.len(), "{}", row.name);
        for (dims, parameters) in applications(id).into_iter().take(20) {
            let mut draw = |dim: &u32| -> Vec<f64> { (0..*dim).map(|_| numbers.within((0.5, 2.0))).collect() };
            let arguments: Vec<Vec<f64>> = dims.iter().map(&mut draw).collect();
            let value = apply(id, &arguments, &parameters);
            if row.commutative {
                let exchanged: Vec<_> = arguments.iter().rev().cloned().collect();
                assert_eq!(value, apply(id, &exchanged, &parameters), "{}", row.name);
            }
            for &position in &linear {
                let mut doubled = arguments.clone();
                doubled[position].iter_mut().for_each(|component| *component *= 2.0);
                let expected: Vec<f64> = value.iter().map(|component| 2.0 * component).collect();
                assert_eq!(apply(id, &doubled, &parameters), expected, "{}", row.name);
            }
        }
    }
}
