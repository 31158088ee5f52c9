//! Every reduction, run by the interpreter of rules, against closures written independently; merged states against one
//! pass over all columns.

mod support;

use keopsc_ops::catalogue;
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::reductions::{self, RowState, Rule};
use support::Numbers;

const INF: f64 = f64::INFINITY;

/// What a row of values of `f` and weights reduces to, by component.
type Expected = fn(f: &[f64], weight: &[f64]) -> f64;

/// Reduction, outcome, value.
const EXPECTED: &[(&str, usize, Expected)] = &[
    ("Sum", 0, |f, _| f.iter().sum()),
    ("Mean", 0, |f, _| f.iter().sum::<f64>() / f.len() as f64),
    ("KahanSum", 0, |f, _| f.iter().sum()),
    ("KahanMean", 0, |f, _| f.iter().sum::<f64>() / f.len() as f64),
    ("Prod", 0, |f, _| f.iter().product()),
    ("Count", 0, |f, _| f.iter().filter(|f| **f != 0.0).count() as f64),
    ("Any", 0, |f, _| f64::from(u8::from(f.iter().any(|f| *f != 0.0)))),
    ("All", 0, |f, _| f64::from(u8::from(f.iter().all(|f| *f != 0.0)))),
    ("LogSumExp", 0, |f, weight| softmax_sum(f, weight).ln()),
    ("SumSoftMaxWeight", 0, |f, weight| softmax_sum(f, weight) / softmax_sum(f, &vec![1.0; f.len()])),
    ("Max_SumShiftExpWeight", 0, |f, weight| softmax_sum(f, weight) / largest(f).exp()),
    ("KahanLogSumExp", 0, |f, weight| softmax_sum(f, weight).ln()),
    ("KahanSumSoftMaxWeight", 0, |f, weight| softmax_sum(f, weight) / softmax_sum(f, &vec![1.0; f.len()])),
    ("KahanMax_SumShiftExpWeight", 0, |f, weight| softmax_sum(f, weight) / largest(f).exp()),
    ("Min", 0, |f, _| -largest(&negated(f))),
    ("Max", 0, |f, _| largest(f)),
    ("ArgMin", 0, |f, _| first_largest(&negated(f))),
    ("ArgMax", 0, |f, _| first_largest(f)),
    ("Min_ArgMin", 0, |f, _| -largest(&negated(f))),
    ("Min_ArgMin", 1, |f, _| first_largest(&negated(f))),
    ("Max_ArgMax", 0, |f, _| largest(f)),
    ("Max_ArgMax", 1, |f, _| first_largest(f)),
];

fn softmax_sum(f: &[f64], weight: &[f64]) -> f64 {
    f.iter().zip(weight).map(|(f, weight)| f.exp() * weight).sum()
}

fn negated(f: &[f64]) -> Vec<f64> {
    f.iter().map(|f| -f).collect()
}

fn largest(f: &[f64]) -> f64 {
    f.iter().copied().filter(|f| !f.is_nan()).fold(-INF, f64::max)
}

fn first_largest(f: &[f64]) -> f64 {
    let largest = largest(f);
    if largest == -INF { -1.0 } else { f.iter().position(|f| *f == largest).map_or(-1.0, |at| at as f64) }
}

/// One column: the components of each argument.
type Column = Vec<Vec<f64>>;

fn rule(name: &str, dims: &[u32]) -> Rule {
    let id = reductions::find_reduction(name).unwrap_or_else(|| panic!("no {name}"));
    reductions::instantiate(id, dims, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn sequential(rule: &Rule, columns: &[Column], first: usize) -> RowState {
    let numbered = (first as u64..).zip(columns);
    numbered.fold(rule.initial(), |state, (number, column)| rule.update(&state, number, column))
}

/// Cuts at random, to the bottom.
fn split(rule: &Rule, columns: &[Column], first: usize, numbers: &mut Numbers) -> RowState {
    if columns.len() < 2 || numbers.unit() < 0.2 {
        return sequential(rule, columns, first);
    }
    let cut = numbers.below(columns.len() + 1);
    if cut == 0 || cut == columns.len() {
        let (whole, none) = (split(rule, columns, first, numbers), rule.initial());
        return if cut == 0 { rule.merge(&none, &whole) } else { rule.merge(&whole, &none) };
    }
    let earlier = split(rule, &columns[..cut], first, numbers);
    let later = split(rule, &columns[cut..], first + cut, numbers);
    rule.merge(&earlier, &later)
}

#[track_caller]
fn assert_close(what: &str, given: f64, expected: f64) {
    let same = given == expected || (given.is_nan() && expected.is_nan());
    assert!(same || (given - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{what}: {given}, not {expected}");
}

/// Dimensions of the arguments: a scalar first argument stays one, others have `dim` components.
fn dims(name: &str, dim: u32) -> Vec<u32> {
    let id = reductions::find_reduction(name).expect("known");
    let arguments = &reductions::signature(id).arguments;
    arguments.iter().map(|argument| if argument.pattern.text == "1" { 1 } else { dim }).collect()
}

/// Few different values, so that ties, zeros and repetitions are common.
fn draw(name: &str, numbers: &mut Numbers, count: usize, dim: u32) -> Vec<Column> {
    let coarse = |numbers: &mut Numbers| (numbers.below(9) as f64 - 4.0) / 2.0;
    let column = |numbers: &mut Numbers| -> Column {
        let arguments = dims(name, dim).into_iter().enumerate();
        let components = |(position, dim): (usize, u32), numbers: &mut Numbers| -> Vec<f64> {
            (0..dim).map(|_| if position == 0 { coarse(numbers) } else { numbers.within((0.5, 2.0)) }).collect()
        };
        arguments.map(|argument| components(argument, numbers)).collect()
    };
    (0..count).map(|_| column(numbers)).collect()
}

#[test]
fn values_and_merges() {
    let mut numbers = Numbers(7);
    for (name, outcome, expected) in EXPECTED {
        for dim in [1, 2, 3, 5] {
            let rule = rule(name, &dims(name, dim));
            for count in [1, 2, 3, 10, 40] {
                let columns = draw(name, &mut numbers, count, dim);
                let whole = rule.finalize(&sequential(&rule, &columns, 0));
                let parts = rule.finalize(&split(&rule, &columns, 0, &mut numbers));
                let shift = if name.ends_with("Max_SumShiftExpWeight") { 1 } else { 0 };
                for k in 0..dim as usize {
                    let f: Vec<f64> = columns.iter().map(|column| column[0][k.min(column[0].len() - 1)]).collect();
                    let weight = columns.iter().map(|column| column.get(1).map_or(1.0, |weight| weight[k]));
                    let expected = expected(&f, &weight.collect::<Vec<_>>());
                    assert_close(name, whole[*outcome][k + shift], expected);
                    assert_close(&format!("merged {name}"), parts[*outcome][k + shift], expected);
                }
            }
        }
    }
}

#[test]
fn what_a_guard_keeps_out_changes_nothing() {
    let mut numbers = Numbers(11);
    let mut kept_out = 0;
    for (id, row) in reductions::reductions() {
        for dim in [1, 2, 3] {
            let parameters = vec![3; reductions::signature(id).parameters.len()];
            let rule = reductions::instantiate(id, &dims(row.name, dim), &parameters).expect("it fits");
            let Some(guard) = &rule.guard else { continue };
            let columns = draw(row.name, &mut numbers, 100, dim);
            let mut state = rule.initial();
            for (number, column) in (0..).zip(&columns) {
                let next = rule.update(&state, number, column);
                if rule.evaluate_guard(guard, &state, column).iter().all(|holds| *holds == 0.0) {
                    assert_eq!(next, state, "{}: column {number}, {column:?}", row.name);
                    kept_out += 1;
                }
                state = next;
            }
        }
    }
    assert!(kept_out > 100, "the guards are tested: {kept_out}");
}

#[test]
fn pivots_may_take_columns_in_before_the_other_slots() {
    let mut numbers = Numbers(13);
    let special = [-INF, INF, f64::NAN, 700.0, -700.0];
    for (id, row) in reductions::reductions() {
        let rule =
            reductions::instantiate(id, &dims(row.name, 3), &vec![3; reductions::signature(id).parameters.len()]);
        let rule = rule.expect("it fits");
        let Some(raising) = &rule.raising else { continue };
        for trial in 0..200 {
            let mut columns = draw(row.name, &mut numbers, 1 + trial % 20, 3);
            if trial % 2 == 1 {
                let at = numbers.below(columns.len());
                columns[at][0][0] = special[numbers.below(special.len())];
            }
            let cut = numbers.below(columns.len());
            let begun = sequential(&rule, &columns[..cut], 0);
            let raised = rule.update_raised(raising, &begun, cut as u64, &columns[cut..]);
            let whole = rule.finalize(&sequential(&rule, &columns, 0));
            for (found, expected) in rule.finalize(&raised).concat().into_iter().zip(whole.concat()) {
                assert_close(row.name, found, expected);
            }
        }
    }
}

#[test]
fn pivots_that_lag_give_the_same_results() {
    let mut numbers = Numbers(19);
    let mut tested = 0;
    for (id, row) in reductions::reductions().filter(|(_, row)| row.lagging) {
        let parameters = vec![3; reductions::signature(id).parameters.len()];
        let rule = reductions::instantiate(id, &dims(row.name, 3), &parameters).expect("it fits");
        let raising = rule.raising.as_ref().expect("what lags is a pivot");
        for trial in 0..200 {
            let columns = draw(row.name, &mut numbers, 2 + trial % 20, 3);
            let cut = 1 + numbers.below(columns.len() - 1);
            let begun = sequential(&rule, &columns[..cut], 0);
            let lagging = rule.update_lagging(raising, &begun, cut as u64, &columns[cut..]);
            let whole = rule.finalize(&sequential(&rule, &columns, 0));
            for (found, expected) in rule.finalize(&lagging).concat().into_iter().zip(whole.concat()) {
                assert_close(row.name, found, expected);
            }
            tested += 1;
        }
    }
    assert!(tested > 0, "some reductions may lag");
}

/// What does not call itself exact depends on cuts, but for numbers of columns, which round beyond 2^24 only.
#[test]
fn other_reductions_depend_on_cuts() {
    let mut numbers = Numbers(23);
    let mut independent = Vec::new();
    for (id, row) in reductions::reductions().filter(|(_, row)| !row.exact) {
        let rule = reductions::instantiate(id, &dims(row.name, 2), &[]).expect("it fits");
        let mut depends = |_| {
            let mut draw = |dim: &u32| (0..*dim).map(|_| numbers.within((0.5, 2.0))).collect();
            let columns: Vec<Column> = (0..40).map(|_| dims(row.name, 2).iter().map(&mut draw).collect()).collect();
            split(&rule, &columns, 0, &mut numbers) != sequential(&rule, &columns, 0)
        };
        if !(0..20).any(&mut depends) {
            independent.push(row.name);
        }
    }
    assert_eq!(independent, ["Count"]);
}

#[test]
fn exact_reductions_do_not_depend_on_cuts() {
    let mut numbers = Numbers(17);
    for (id, row) in reductions::reductions().filter(|(_, row)| row.exact) {
        assert_eq!(row.compensated, row.name);
        let parameters = vec![3; reductions::signature(id).parameters.len()];
        let rule = reductions::instantiate(id, &dims(row.name, 2), &parameters).expect("it fits");
        for count in [1, 2, 5, 40] {
            let columns = draw(row.name, &mut numbers, count, 2);
            assert_eq!(split(&rule, &columns, 0, &mut numbers), sequential(&rule, &columns, 0), "{}", row.name);
        }
    }
}

#[test]
fn every_reduction_has_a_value_test() {
    for (_, row) in reductions::reductions() {
        for number in 0..row.outcomes.len() {
            let has_line = |(name, outcome, _): &(&str, usize, Expected)| (*name, *outcome) == (row.name, number);
            assert!(EXPECTED.iter().any(has_line) || LISTS.contains(&row.name), "{} {number}", row.name);
        }
    }
}

/// The reductions to lists of the best columns.
const LISTS: &[&str] = &["KMin", "ArgKMin", "KMin_ArgKMin", "KMax", "ArgKMax", "KMax_ArgKMax"];

/// Number `place` of the best values of a row and its column, by sorting.
fn best(f: &[f64], place: usize, largest: bool) -> (f64, f64) {
    let sign = if largest { -1.0 } else { 1.0 };
    let signed = f.iter().map(|f| sign * f).enumerate().filter(|(_, f)| !f.is_nan() && *f != INF);
    let mut sorted: Vec<(usize, f64)> = signed.collect();
    sorted.sort_by(|left, right| left.1.total_cmp(&right.1));
    sorted.get(place).map_or((sign * INF, -1.0), |(column, f)| (sign * f, *column as f64))
}

#[test]
fn lists_of_the_best() {
    let mut numbers = Numbers(9);
    for name in LISTS {
        let id = reductions::find_reduction(name).expect("known");
        for (dim, length, count) in
            [(1, 1, 0), (1, 1, 9), (1, 3, 2), (1, 4, 30), (2, 1, 7), (3, 4, 3), (3, 5, 30), (2, 10, 200)]
        {
            let rule = reductions::instantiate(id, &[dim], &[length]).expect("it fits");
            let mut columns = draw(name, &mut numbers, count, dim);
            if count > 5 {
                columns[2][0][0] = f64::NAN;
                columns[4][0][0] = if name.contains("Max") { -INF } else { INF };
            }
            for state in [sequential(&rule, &columns, 0), split(&rule, &columns, 0, &mut numbers)] {
                let outcomes = rule.finalize(&state);
                for (place, k) in (0..length as usize).flat_map(|p| (0..dim as usize).map(move |k| (p, k))) {
                    let f: Vec<f64> = columns.iter().map(|column| column[0][k]).collect();
                    let (value, column) = best(&f, place, name.contains("Max"));
                    let expected = match outcomes.len() {
                        2 => vec![value, column],
                        _ if name.starts_with("Arg") => vec![column],
                        _ => vec![value],
                    };
                    let given: Vec<f64> = outcomes.iter().map(|outcome| outcome[place * dim as usize + k]).collect();
                    assert_eq!(given, expected, "{name}, number {place} of {length} in {f:?}");
                }
            }
        }
    }
}

/// The outcome of `f` over the columns, sequentially and from every cut.
fn check(name: &str, f: &[f64], expected: &[f64]) {
    let rule = rule(name, &dims(name, 1));
    let arguments = reductions::signature(reductions::find_reduction(name).expect("known")).arguments.len();
    let columns: Vec<Column> = f.iter().map(|f| [vec![vec![*f]], vec![vec![1.0]; arguments - 1]].concat()).collect();
    for cut in 0..=columns.len() {
        let earlier = sequential(&rule, &columns[..cut], 0);
        let later = sequential(&rule, &columns[cut..], cut);
        for state in [sequential(&rule, &columns, 0), rule.merge(&earlier, &later)] {
            let given: Vec<f64> = rule.finalize(&state).concat();
            assert_eq!(given.len(), expected.len(), "{name}");
            given.iter().zip(expected).for_each(|(given, expected)| assert_close(name, *given, *expected));
        }
    }
}

#[test]
fn edges() {
    let nan = f64::NAN;
    for (name, expected) in [
        ("Sum", &[0.0][..]),
        ("Mean", &[nan]),
        ("KahanSum", &[0.0]),
        ("KahanMean", &[nan]),
        ("Prod", &[1.0]),
        ("Count", &[0.0]),
        ("Any", &[0.0]),
        ("All", &[1.0]),
        ("LogSumExp", &[-INF]),
        ("SumSoftMaxWeight", &[nan]),
        ("Max_SumShiftExp", &[-INF, 0.0]),
        ("KahanLogSumExp", &[-INF]),
        ("KahanSumSoftMaxWeight", &[nan]),
        ("KahanMax_SumShiftExpWeight", &[-INF, 0.0]),
        ("Min", &[INF]),
        ("Max", &[-INF]),
        ("ArgMin", &[-1.0]),
        ("Min_ArgMin", &[INF, -1.0]),
        ("Max_ArgMax", &[-INF, -1.0]),
    ] {
        check(name, &[], expected);
    }
    check("KahanSum", &[INF, 1.0, INF, 2.0], &[INF]);
    check("KahanSum", &[1.7e308, 1.7e308, 1.0], &[INF]);
    check("KahanSum", &[INF, -INF, 1.0], &[nan]);
    for name in ["LogSumExp", "KahanLogSumExp"] {
        check(name, &[-INF, -INF], &[-INF]);
        check(name, &[-INF, 2.0, -INF], &[2.0]);
        check(name, &[INF, 2.0, INF], &[INF]);
        check(name, &[nan, 2.0], &[nan]);
        check(name, &[1000.0, 1000.0], &[1000.0 + 2f64.ln()]);
        check(name, &[-1000.0, -1000.0, -2000.0], &[-1000.0 + 2f64.ln()]);
    }
    check("Min_ArgMin", &[nan, 3.0, 1.0, 1.0, nan], &[1.0, 2.0]);
    check("Max_ArgMax", &[3.0, nan, 3.0], &[3.0, 0.0]);
    check("Min_ArgMin", &[nan, nan], &[INF, -1.0]);
    check("Min_ArgMin", &[-INF, -INF], &[-INF, 0.0]);
    check("Min", &[nan, 4.0], &[4.0]);
    check("Any", &[0.0, nan, 0.0], &[1.0]);
    check("All", &[1.0, 0.0, nan], &[0.0]);
}

/// Summands below half a unit in the last place of the sum: a plain sum loses all of them.
#[test]
fn compensated_sums_keep_what_rounding_takes() {
    let columns: Vec<Column> = (0..4001).map(|number| vec![vec![if number == 0 { 1.0 } else { 1e-16 }]]).collect();
    let exact = 1.0 + 4000.0 * 1e-16;
    let (plain, compensated) = (rule("Sum", &[1]), rule("KahanSum", &[1]));
    assert_eq!(plain.finalize(&sequential(&plain, &columns, 0)), [[1.0]]);
    let mut numbers = Numbers(11);
    for _ in 0..20 {
        let cut = numbers.below(columns.len());
        let parts = split(&compensated, &columns, 0, &mut numbers);
        let tiny = sequential(&compensated, &columns[1..], 1);
        let last = compensated.merge(&tiny, &sequential(&compensated, &columns[..1], 0));
        let two = compensated
            .merge(&sequential(&compensated, &columns[..cut], 0), &sequential(&compensated, &columns[cut..], cut));
        for state in [sequential(&compensated, &columns, 0), parts, last, two] {
            let sum = compensated.finalize(&state)[0][0];
            assert!((sum - exact).abs() <= f64::EPSILON, "{sum:e}, not {exact:e}, cut at {cut}");
        }
    }
}

/// The largest value comes last, so that what has been summed is scaled, compensation included.
#[test]
fn compensated_sums_of_exponentials_keep_what_rounding_takes() {
    let weights = [1.0, 1e-16];
    let column = |number: usize| match number {
        0 => vec![vec![-1.0], vec![weights[0]]],
        4001 => vec![vec![0.0], vec![0.0]],
        _ => vec![vec![-1.0], vec![weights[1]]],
    };
    let columns: Vec<Column> = (0..4002).map(column).collect();
    let exact = (-1f64).exp() * (1.0 + 4000.0 * 1e-16);
    let lost = (-1f64).exp() * (1.0 + 3999.0 * 1e-16);
    let sums = |name| {
        let rule = rule(name, &[1, 1]);
        let (earlier, later) = (sequential(&rule, &columns[..2000], 0), sequential(&rule, &columns[2000..], 2000));
        [sequential(&rule, &columns, 0), rule.merge(&earlier, &later)].map(|state| rule.finalize(&state).concat()[1])
    };
    for sum in sums("KahanMax_SumShiftExpWeight") {
        assert!((sum - exact).abs() <= 2.0 * f64::EPSILON * exact, "{sum:e}, not {exact:e}");
    }
    let plain = sums("Max_SumShiftExpWeight")[0];
    assert!((plain - exact).abs() > 0.5 * (lost - (-1f64).exp()).abs(), "{plain:e} has kept what it cannot");
}

#[test]
fn compensated_forms_have_the_same_form() {
    let shape = |id| (reductions::signature(id).arguments.len(), reductions::reduction(id).outcomes.len());
    for (id, row) in reductions::reductions() {
        let compensated = reductions::compensated(id);
        assert_eq!(shape(id), shape(compensated), "{}", row.name);
        assert!(!reductions::rounds(compensated), "{}", row.name);
        assert!(!reductions::rounds(id) || reductions::is_compensated(compensated), "{}", row.name);
    }
    let plain = reductions::find_reduction("Max").expect("known");
    assert!(!reductions::rounds(plain) && !reductions::is_compensated(plain));
}

#[test]
fn log_sum_exp_without_weight_costs_one_exponential() {
    let rule = rule("LogSumExp", &[1]);
    let mut exponentials = 0;
    let mut count = |part: &keopsc_ops::scalar::Scalar<_>| {
        let is_exp = matches!(part, keopsc_ops::scalar::Scalar::Call(keopsc_ops::intrinsics::Intrinsic::Exp, _));
        exponentials += usize::from(is_exp);
    };
    rule.update_lets.iter().for_each(|value| value.value.visit(&mut count));
    rule.update.iter().for_each(|value| value.visit(&mut count));
    assert_eq!(exponentials, 1);
}

#[test]
fn rows_are_sound() {
    for (id, row) in reductions::reductions() {
        assert!(row.doc.ends_with('.'), "{}", row.name);
        let signature = reductions::signature(id);
        assert!(signature.required_arguments() >= 1, "{}", row.name);
        if let Some((kinds, _)) = row.complex.split_once("->") {
            let counts = [signature.arguments.len(), signature.required_arguments()];
            assert_eq!(
                counts,
                [kinds.split_whitespace().count(); 2],
                "{}: each argument has a kind, and is there",
                row.name
            );
        }
        for (_, gradient) in reductions::gradient(id) {
            assert!(!keopsc_grammar::print_expression(gradient).is_empty());
        }
        assert_eq!(reductions::equivalent(id).is_some(), !row.equivalent.is_empty());
        let has_derivatives = !row.gradient.is_empty() || !row.equivalent.is_empty();
        let rule =
            reductions::instantiate(id, &dims(row.name, 1), &vec![4; reductions::signature(id).parameters.len()]);
        let is_real = rule.expect("it fits").outcomes.iter().any(|outcome| outcome.kind == Kind::Real);
        assert_eq!(has_derivatives, is_real, "{}: all but row numbers have derivatives", row.name);
        assert_eq!(row.pivots.is_empty(), row.raised_update.is_empty(), "{}", row.name);
        assert_eq!(reductions::find_reduction(row.name), Some(id));
        for alias in row.aliases {
            assert_eq!(reductions::find_reduction(alias), Some(id), "{alias}");
        }
        for dim in [1, 2, 3, 5] {
            let dims = dims(row.name, dim);
            let parameters = vec![4; reductions::signature(id).parameters.len()];
            let rule = reductions::instantiate(id, &dims, &parameters).expect("it fits");
            let shapes = reductions::infer(id, &dims, &parameters).expect("it fits");
            assert_eq!(rule.guard.is_some(), !parameters.is_empty(), "{}: lists look at few columns alone", row.name);
            assert_eq!(rule.outcomes.len(), shapes.len());
            for (outcome, (kind, shape)) in rule.outcomes.iter().zip(shapes) {
                assert_eq!((outcome.kind, outcome.dim), (kind, shape.iter().product()));
                assert_eq!(kind == Kind::Index, outcome.value == index_slot(&rule, outcome.dim), "{}", row.name);
            }
        }
    }
}

/// What an outcome that is a slot of row numbers looks like.
fn index_slot(rule: &Rule, dim: u32) -> keopsc_ops::scalar::Scalar<reductions::Operand> {
    use keopsc_ops::scalar::{Index, Scalar};
    let slot = rule.slots.iter().position(|slot| slot.kind == Kind::Index).unwrap_or(usize::MAX);
    let index = if dim == 1 { Index::Constant(0) } else { Index::K };
    Scalar::Component(reductions::Operand::State(slot as u32), index)
}

#[test]
fn kinds_and_shapes() {
    let infer = |name: &str, dims: &[u32]| {
        let id = reductions::find_reduction(name).expect("known");
        reductions::infer(id, dims, &[])
    };
    assert_eq!(infer("Min_ArgMin", &[3]), Ok(vec![(Kind::Real, vec![3]), (Kind::Index, vec![3])]));
    assert_eq!(infer("LogSumExp", &[1]), Ok(vec![(Kind::Real, vec![1])]));
    assert_eq!(infer("LogSumExp", &[1, 4]), Ok(vec![(Kind::Real, vec![4])]));
    let list = reductions::find_reduction("KMin_ArgKMin").expect("known");
    assert_eq!(reductions::infer(list, &[3], &[10]), Ok(vec![(Kind::Real, vec![10, 3]), (Kind::Index, vec![10, 3])]));
    let error = reductions::infer(list, &[3], &[0]).expect_err("a list has to have a length").to_string();
    assert_eq!(error, "`K` of `KMin_ArgKMin` is 0, but has to be from 1 to 1024");
    let error = infer("LogSumExp", &[3]).expect_err("the values have to be scalars").to_string();
    assert_eq!(
        error,
        "dimensions do not fit `LogSumExp(f: 1, weight: n = 1) -> n`: `LogSumExp` is given `f` of dimension 3 for `1`, \
         `weight` of dimension 1 for `n`"
    );
}

/// The cotangents that the rows give to each argument at each column, against central differences of `e * outcome`. Those that ask for more
/// reductions are formulas for `passes::differentiate`, and held against differences there.
#[test]
fn gradients() {
    let mut numbers = Numbers(8);
    let is_direct = |row: &reductions::Reduction| row.gradient.iter().all(|(_, text)| !text.contains("[j"));
    for (id, row) in reductions::reductions().filter(|(_, row)| !row.gradient.is_empty() && is_direct(row)) {
        for dim in [1, 3] {
            let dims = dims(row.name, dim);
            let rule = reductions::instantiate(id, &dims, &[]).expect("it fits");
            // No zeros: `Count`, `Any` and `All` jump there.
            let columns: Vec<Column> = (0..6)
                .map(|_| dims.iter().map(|dim| (0..*dim).map(|_| numbers.within((0.5, 2.0))).collect()).collect())
                .collect();
            let out = rule.finalize(&sequential(&rule, &columns, 0)).swap_remove(0);
            let e: Vec<f64> = out.iter().map(|_| numbers.within((-1.0, 1.0))).collect();
            let loss = |columns: &[Column]| -> f64 {
                rule.finalize(&sequential(&rule, columns, 0))[0].iter().zip(&e).map(|(out, e)| out * e).sum()
            };
            let names: Vec<String> =
                reductions::signature(id).arguments.iter().map(|argument| argument.name.clone()).collect();
            let integers = reductions::integers(id, &dims, &[]).expect("it fits");
            for (column, position) in (0..columns.len()).flat_map(|c| (0..dims.len()).map(move |p| (c, p))) {
                let (_, text) = reductions::gradient(id).iter().find(|(of, _)| *of == position).expect("a gradient");
                let mut vectors: support::Vectors = names.iter().cloned().zip(columns[column].clone()).collect();
                vectors.insert("out".to_owned(), out.clone());
                vectors.insert("e".to_owned(), e.clone());
                let given = support::formula(text, &vectors, &integers);
                assert_eq!(given.len(), dims[position] as usize, "{}", row.name);
                for (k, given) in given.iter().enumerate() {
                    let at = |shift: f64| {
                        let mut shifted = columns.clone();
                        shifted[column][position][k] += shift;
                        loss(&shifted)
                    };
                    let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((given - expected).abs() < 1e-8, "{} {position}: {given}, not {expected}", row.name);
                }
            }
        }
    }
}

/// Over nothing but -inf the gradient is 0, not NaN.
#[test]
fn gradient_of_an_empty_log_sum_exp() {
    let id = reductions::find_reduction("LogSumExp").expect("known");
    let vector = |name: &str, value: f64| (name.to_owned(), vec![value]);
    let vectors = [vector("f", -INF), vector("weight", 1.0), vector("out", -INF), vector("e", 1.0)].into();
    for (_, text) in reductions::gradient(id) {
        assert_eq!(support::formula(text, &vectors, &Default::default()), [0.0]);
    }
}

#[test]
fn equivalents_name_reductions_that_have_gradients() {
    use keopsc_grammar::syntax::{Expr, ExprKind};
    fn reductions_in(expr: &Expr, found: &mut Vec<String>) {
        match &expr.kind {
            ExprKind::Unary(_, operand) => reductions_in(operand, found),
            ExprKind::Binary(_, left, right) => {
                reductions_in(left, found);
                reductions_in(right, found);
            }
            ExprKind::Call { function, arguments, .. } => {
                assert!(catalogue::find_operation(&function.text).is_some());
                arguments.iter().for_each(|argument| reductions_in(argument, found));
            }
            ExprKind::Reduce { function, index, arguments, .. } => {
                assert_eq!(index.text, "j");
                found.push(function.text.clone());
                arguments.iter().for_each(|argument| reductions_in(argument, found));
            }
            _ => {}
        }
    }
    for (id, row) in reductions::reductions() {
        let Some(equivalent) = reductions::equivalent(id) else {
            continue;
        };
        let mut found = Vec::new();
        reductions_in(equivalent, &mut found);
        assert!(!found.is_empty(), "{}", row.name);
        for name in found {
            let used = reductions::find_reduction(&name).expect("known");
            assert!(!reductions::gradient(used).is_empty(), "{name}");
        }
    }
}
