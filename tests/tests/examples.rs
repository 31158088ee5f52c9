//! The examples of the reference pages, compiled: the numbers on the pages are what libraries compute, in float64 and in float32.

use keopsc_driver::reference::example::Example;
use keopsc_driver::reference::{operations, reductions};
use keopsc_grammar::parse_file;
use keopsc_ir::plan::Verified;
use keopsc_ir::types::ScalarType;
use keopsc_passes::pipeline;
use keopsc_passes::resolve::Options;
use keopsc_tests::{Compiled, compile, runnable_levels};

/// The largest error, in units of the last place of the result, or of 1 where it is less: small results are differences of numbers around 1.
const ULPS: f64 = 32.0;

#[test]
fn operations_compute_what_the_page_says() {
    check(&operations().examples);
}

#[test]
fn reductions_compute_what_the_page_says() {
    check(&reductions().examples);
}

fn check(examples: &[Example]) {
    let level = runnable_levels().pop().expect("a level that this processor runs");
    let mut failures = Vec::new();
    for (scalar, epsilon) in [(ScalarType::F64, f64::EPSILON), (ScalarType::F32, f64::from(f32::EPSILON))] {
        let plans: Vec<Verified> = (0..).zip(examples).map(|(number, example)| plan(example, number, scalar)).collect();
        let compiled = compile(&plans, level);
        for (number, example) in examples.iter().enumerate() {
            failures
                .extend(difference(&compiled, number, example, epsilon).map(|words| format!("{scalar:?}: {words}")));
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

/// The plan of an example, under a name of its own in the library.
fn plan(example: &Example, number: usize, scalar: ScalarType) -> Verified {
    let (file, errors) = parse_file(&example.source.replace("out result", &format!("out result{number}")));
    assert!(errors.is_empty(), "{}: {errors:?}", example.source);
    let options = Options { dtype: Some(scalar), ..Options::default() };
    let output = pipeline::run(&file, &options, &mut |_, _| {});
    output.unwrap_or_else(|errors| panic!("{}: {errors:?}", example.source)).plans.remove(0)
}

fn difference(compiled: &Compiled, number: usize, example: &Example, epsilon: f64) -> Option<String> {
    let found = compiled.run(number, example.sizes, &example.inputs);
    let pairs = example.results.concat().into_iter().zip(found.concat());
    let wrong = |(expected, found): &(f64, f64)| {
        let same = expected == found || (expected.is_nan() && found.is_nan());
        let close = (expected - found).abs() <= ULPS * epsilon * expected.abs().max(1.0);
        !same && !close
    };
    let (expected, found) = pairs.clone().find(wrong)?;
    Some(format!("{}: {found:e} instead of {expected:e}", example.source.trim()))
}
