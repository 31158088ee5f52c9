//! `keopsc run` on arrays in files.

mod support;

use support::{Place, doubles, npy, singles};

/// A place with x (3 x 2), y (2 x 2), b (2 x 1) as float32.
fn place_with_arrays() -> Place {
    let place = Place::new();
    place.write("x.npy", npy("<f4", "False", "(3, 2)", &singles(&[0.0, 0.0, 1.0, 0.0, 0.0, 1.0])));
    place.write("y.npy", npy("<f4", "False", "(2, 2)", &singles(&[0.0, 0.0, 1.0, 1.0])));
    place.write("b.npy", npy("<f4", "False", "(2, 1)", &singles(&[1.0, 2.0])));
    place
}

const ARRAYS: [&str; 3] = ["x=x.npy", "y=y.npy", "b=b.npy"];

/// Σ_j exp(-|x_i - y_j|²) b_j of these arrays.
fn expected() -> [f64; 3] {
    let e = |power: i32| f64::exp(-f64::from(power));
    [1.0 + 2.0 * e(2), e(1) + 2.0 * e(1), e(1) + 2.0 * e(1)]
}

#[track_caller]
fn assert_close(text: &str, expected: &[f64], tolerance: f64) {
    let numbers: Vec<f64> =
        text.split(['\n', ',']).filter(|word| !word.is_empty()).map(|word| word.parse().unwrap()).collect();
    assert_eq!(numbers.len(), expected.len(), "{text}");
    for (number, expected) in numbers.iter().zip(expected) {
        assert!((number - expected).abs() <= tolerance * expected.abs(), "{text} instead of {expected:?}");
    }
}

fn run(place: &Place, more: &[&str]) -> String {
    place.does(&[&["run", "gauss.kf"], &ARRAYS[..], more].concat())
}

#[test]
fn the_only_result_goes_to_stdout_as_text() {
    let place = place_with_arrays();
    let text = run(&place, &[]);
    assert_eq!(text.lines().count(), 3);
    assert_close(&text, &expected(), 1e-6);
    assert_eq!(run(&place, &[]), text, "the second run, from the cache, is the same");
}

/// A formula that is cheaper where it may cancel.
const CANCELS: &str = "x = Vi(2)\ny = Vj(2)\nb = Vj(1)\nout f = Sum[j](b * (x - y))";

#[test]
fn fast_algebra_changes_the_plan_only_where_it_is_asked_for() {
    let place = place_with_arrays();
    place.write("exact.kf", CANCELS);
    place.write("fast.kf", format!("{CANCELS} numerics algebra = fast\n"));
    // The settings of the entry are printed with it; what is computed stands below.
    let plan = |arguments: &[&str]| {
        let text = place.does(&[&["compile", "--emit", "plan"], arguments].concat());
        text.split_once("\ntensor ").expect("a plan has tensors").1.to_owned()
    };
    let (exact, fast) = (plan(&["exact.kf"]), plan(&["fast.kf"]));
    assert_ne!(exact, fast);
    assert_eq!(plan(&["exact.kf", "--algebra", "fast"]), fast, "the flag says the same as the file");
    assert_eq!(plan(&["fast.kf", "--algebra", "exact"]), exact, "and prevails over it");
    for flags in [["--algebra", "exact"], ["--sum", "direct"], ["--sum", "kahan"]] {
        let other = plan(&[&["exact.kf"], &flags[..]].concat());
        assert_eq!(other.replace("KahanSum", "Sum"), exact, "{flags:?} leave the algebra as it is");
    }
    let values = |file: &str| place.does(&[&["run", file], &ARRAYS[..]].concat());
    assert_close(&values("fast.kf"), &[-2.0, -2.0, 1.0, -2.0, -2.0, 1.0], 1e-6);
    assert_eq!(values("fast.kf"), values("exact.kf"));
    place.refuses(
        &["compile", "exact.kf", "--algebra", "quick"],
        2,
        "error: there is no kind of algebra `quick`\n  = help: it can be exact, fast\n",
    );
}

#[test]
fn products_are_named_in_the_plan_and_change_nothing_on_the_processor() {
    let place = place_with_arrays();
    place.write("plain.kf", CANCELS);
    place.write("narrow.kf", format!("{CANCELS} numerics products = tf32\n"));
    let settings = |arguments: &[&str]| {
        let plan = place.does(&[&["compile", "--emit", "plan"], arguments].concat());
        plan.lines().find(|line| line.starts_with("plan ")).expect("a plan has a name").to_owned()
    };
    assert_eq!(settings(&["plain.kf"]), "plan f");
    assert_eq!(settings(&["narrow.kf"]), "plan f; products = tf32");
    assert_eq!(settings(&["narrow.kf", "--products", "bf16"]), "plan f; products = bf16", "the flag prevails");
    for flag in ["auto", "full"] {
        assert_eq!(settings(&["narrow.kf", "--products", flag]), "plan f");
    }
    let values = |file: &str| place.does(&[&["run", file], &ARRAYS[..]].concat());
    assert_eq!(values("narrow.kf"), values("plain.kf"));
    place.refuses(
        &["compile", "plain.kf", "--products", "fp16"],
        2,
        "error: there is no kind of products `fp16`\n  = help: it can be auto, tf32, bf16, full\n",
    );
}

#[test]
fn results_go_to_files_of_either_format() {
    let place = place_with_arrays();
    let text = run(&place, &[]);
    assert_eq!(run(&place, &["-o", "conv.npy"]), "");
    assert_eq!(run(&place, &["-o", "conv=conv.csv"]), "");
    assert_eq!(place.read("conv.csv"), text);
    let bytes = std::fs::read(place.path("conv.npy")).unwrap();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }";
    assert_eq!(String::from_utf8_lossy(&bytes[10..10 + header.len()]), header);
    assert_eq!(bytes.len() % 64, 12);
    let again = place.does(&["run", "-e", "x = Vi(1); out s = Sum[j](x * Vj(1,1))", "--help"]);
    assert!(!again.is_empty());
}

#[test]
fn orders_types_and_formats_of_inputs_do_not_matter() {
    let place = place_with_arrays();
    let text = run(&place, &[]);
    place.write("x.npy", npy("<f4", "True", "(3, 2)", &singles(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0])));
    place.write("y.npy", npy("<f8", "False", "(2, 2)", &doubles(&[0.0, 0.0, 1.0, 1.0])));
    place.write("b.npy", npy("|i1", "False", "(2,)", &[1, 2]));
    assert_eq!(run(&place, &[]), text);
    place.write("x.csv", "a,b\n0,0\n1,0\n0,1\n");
    place.write("b.txt", "1\n2\n");
    assert_eq!(place.does(&["run", "gauss.kf", "x=x.csv", "y=y.npy", "b=b.txt"]), text);
    let said = place.keopsc_reading(&["run", "gauss.kf", "x=-", "y=y.npy", "b=b.npy"], "0 0\n1 0\n0 1\n");
    assert_eq!((said.out, said.code), (text, 0));
}

#[test]
fn several_results_parameters_and_gradients() {
    let place = place_with_arrays();
    place.write(
        "two.kf",
        "x = Vi(2); y = Vj(2); s = Pm(1)\nK = Exp(-SqDist(x, y) * s)\nout total = Sum[j](K)\nout near = ArgMin[j](SqDist(x, y))\n\
         out slope = Grad(total, s)\n",
    );
    let inputs = ["run", "two.kf", "x=x.npy", "y=y.npy", "s=0.5", "d_total=1,1,1"];
    let said = place.keopsc(&inputs);
    let words = "error: the formula has several results: total, near, slope\n  = help: say which one goes where: `-o total=PATH`\n";
    assert_eq!((said.err.as_str(), said.code), (words, 2));
    place.does(&[&inputs[..], &["-o", "total=total.csv", "-o", "near=near.csv", "-o", "slope=slope.csv"]].concat());
    let e = f64::exp;
    let total = [1.0 + e(-1.0), 2.0 * e(-0.5), 2.0 * e(-0.5)];
    assert_close(&place.read("total.csv"), &total, 1e-6);
    assert_eq!(place.read("near.csv"), "0\n0\n0\n");
    assert_close(&place.read("slope.csv"), &[-2.0 * e(-1.0) - 4.0 * e(-0.5)], 1e-6);
}

#[test]
fn float64_is_computed_in_float64() {
    let place = place_with_arrays();
    let text = run(&place, &["--dtype", "f64"]);
    assert_close(&text, &expected(), 1e-14);
}

#[test]
fn inputs_that_do_not_fit_are_refused_in_words() {
    let place = place_with_arrays();
    place.write("x3.npy", npy("<f4", "False", "(3, 3)", &singles(&[0.0; 9])));
    place.write("flat.npy", npy("<f4", "False", "(6,)", &singles(&[0.0; 6])));
    place.write("b3.npy", npy("<f4", "False", "(3, 1)", &singles(&[1.0; 3])));
    place.write("tenth.npy", npy("<f8", "False", "(2, 1)", &doubles(&[0.1, 1.0])));
    place.write("huge.npy", npy("<f8", "False", "(2, 1)", &doubles(&[1e300, 1.0])));
    place.write("short.npy", npy("<f4", "False", "(2, 1)", &singles(&[1.0])));
    place.write("words.csv", "1\ntwo\n");
    let cases: [(&[&str], &str); 14] = [
        (&["x=x3.npy", "y=y.npy", "b=b.npy"], "error: `x` needs an array of shape (M, 2), and `x3.npy` has (3, 3)\n"),
        (&["x=flat.npy", "y=y.npy", "b=b.npy"], "error: `x` needs an array of shape (M, 2), and `flat.npy` has (6,)\n"),
        (&["x=x.npy", "y=y.npy", "b=b3.npy"], "error: `y` has 2 rows and `b` has 3, but both have one row per j\n"),
        (
            &["x=x.npy", "y=y.npy", "b=tenth.npy"],
            "error: `tenth.npy` holds float64 and `b` is f32: 1 of 2 numbers would be rounded\n  \
             = help: compute in their type with `--dtype f64`, or accept the rounding with `--allow-rounding`\n",
        ),
        (
            &["x=x.npy", "y=y.npy", "b=huge.npy", "--allow-rounding"],
            "error: `huge.npy` holds float64 and `b` is f32: 1 of 2 numbers are beyond its range\n  \
             = help: compute in a wider type: `--dtype f64`\n",
        ),
        (
            &["x=x.npy", "y=y.npy", "b=short.npy"],
            "error: cannot read `short.npy`: it is cut short: its header promises 8 bytes of data and 4 follow\n",
        ),
        (&["x=x.npy", "y=y.npy", "b=words.csv"], "error: cannot read `words.csv`: line 2: `two` is no number\n"),
        (&["x=x.npy", "y=y.npy", "b=no.npy"], "error[E0301]: cannot read `no.npy`: No such file or directory\n"),
        (
            &["x=x.npy", "b=b.npy"],
            "error: an input is missing: y (N, 2)\n  = help: inputs are written `name=path` after the formula: `x=points.npy`\n",
        ),
        (
            &["x=x.npy"],
            "error: inputs are missing: y (N, 2), b (N, 1)\n  \
             = help: inputs are written `name=path` after the formula: `x=points.npy`\n",
        ),
        (
            &["x=x.npy", "y=y.npy", "b=b.npy", "c=b.npy"],
            "error: the formula has no input `c`\n  = help: it has x, y, b\n",
        ),
        (&["x=x.npy", "x=y.npy"], "error: the input `x` is given twice\n"),
        (&["x.npy"], "error: `x.npy` gives no input\n  = help: inputs are written `name=path`: `x=points.npy`\n"),
        (
            &["x=x.npy", "y=y.npy", "b=b.npy", "-o", "cnv=c.npy"],
            "error: the formula has no result `cnv`\n  = help: did you mean `conv`?\n",
        ),
    ];
    for (arguments, words) in cases {
        place.refuses(&[&["run", "gauss.kf"], arguments].concat(), 2, words);
    }
}

#[test]
fn rounding_is_done_where_it_is_allowed() {
    let place = place_with_arrays();
    place.write("b.npy", npy("<f8", "False", "(2, 1)", &doubles(&[0.1, 0.2])));
    let text = run(&place, &["--allow-rounding"]);
    assert_close(&text, &expected().map(|value| value / 10.0), 1e-6);
}

#[test]
fn rows_that_no_input_tells_are_asked_for() {
    let place = place_with_arrays();
    let arguments = ["run", "y=y.npy", "-e", "y = Vj(2); out s = Sum[j](y)"];
    place.refuses(
        &arguments,
        2,
        "error: no input tells M, the number of rows of `s`: none has one row per i\n  = help: give it: `--rows-i 100`\n",
    );
    assert_eq!(place.does(&[&arguments[..], &["--rows-i", "2"]].concat()), "1,1\n1,1\n");
}

#[test]
fn a_result_that_cannot_be_written_is_a_problem() {
    let place = place_with_arrays();
    let arguments = [&["run", "gauss.kf"], &ARRAYS[..], &["-o", "no/conv.npy"]].concat();
    let words =
        "error[E0302]: cannot write `no/conv.npy`: No such file or directory\n  = help: there is no folder `no`\n";
    place.refuses(&arguments, 2, words);
}
