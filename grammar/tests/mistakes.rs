//! What is said about mistakes: place, message, labels and help, and what is kept of the file.

use keopsc_grammar::{SyntaxError, parse_expression, parse_file, print_file};

/// One line a mistake: `line:column-column message; label@text; help`.
fn describe(text: &str, error: &SyntaxError) -> String {
    let start = error.span.start as usize;
    let line = text[..start].matches('\n').count() + 1;
    let column = start - text[..start].rfind('\n').map_or(0, |newline| newline + 1) + 1;
    let mut described = format!("{line}:{column} {}", error.message);
    for (span, label) in &error.labels {
        described += &format!("; `{}`@{} {label}", &text[span.start as usize..span.end as usize], span.start);
    }
    if let Some(help) = &error.help {
        described += &format!("; help: {help}");
    }
    described
}

#[track_caller]
fn check(text: &str, mistakes: &[&str], kept: &str) {
    let (file, errors) = parse_file(text);
    let described: Vec<_> = errors.iter().map(|error| describe(text, error)).collect();
    assert_eq!(described, mistakes);
    assert_eq!(print_file(&file), kept);
}

#[track_caller]
fn check_one(text: &str, mistake: &str) {
    check(text, &[mistake], "");
}

#[track_caller]
fn check_expression(text: &str, mistake: &str) {
    let error = parse_expression(text).expect_err(text);
    assert_eq!(describe(text, &error), mistake);
}

#[test]
fn formulas_that_go_on_in_the_next_line() {
    check_one("out a = x +", "1:12 expected an expression after `+`, found the end of the text");
    check(
        "K = x +\n  y\nout a = K",
        &[
            "1:8 expected an expression after `+`, found the end of the line; help: put a formula that goes over several lines into brackets",
            "2:4 expected `=` after `y`, found the end of the line; help: a statement gives a name to a formula, `K = Exp(x)`, or requests a result, `out f = Sum[j](K)`",
        ],
        "out a = K\n",
    );
    check(
        "K = x\n  + y",
        &["2:3 expected a statement, found `+`; help: put a formula that goes over several lines into brackets"],
        "K = x\n",
    );
    check_one(
        "+",
        "1:1 expected a statement, found `+`; help: put a formula that goes over several lines into brackets",
    );
    check_one("a = 1 |", "1:8 expected an expression after `|`, found the end of the text");
}

#[test]
fn brackets() {
    check("out a = f(x\nout b = y", &["1:10 this `(` is never closed"], "out b = y\n");
    check("a = f(x\nb = g(y)", &["1:6 this `(` is never closed"], "b = g(y)\n");
    check_one("a = f(x,\nb = g(y)", "1:6 this `(` is never closed");
    check("a = f(g(x\nb = 2", &["1:8 this `(` is never closed; `(`@5 nor is this `(`"], "b = 2\n");
    check("a = (x + y[1) * 2; b = 2", &["1:11 this `[` is never closed; `)`@12 before this `)`"], "b = 2\n");
    check("a = (x]; b = 2", &["1:7 `]` does not close `(`; `(`@4 this bracket is open; help: write `)`"], "b = 2\n");
    check("a = x); b = 2", &["1:6 `)` closes nothing: no `(` is open here"], "b = 2\n");
    check("a = f(x; b = 2", &["1:6 this `(` is never closed"], "b = 2\n");
    check_one("}", "1:1 `}` closes nothing: no `{` is open here");
}

#[test]
fn joint_entries() {
    check("fused v {\n out a = x\n", &["1:9 this `{` is never closed"], "fused v {\n  out a = x\n}\n");
    check(
        "fused v {\n out a = f(x\n out b = y\n}\nout c = 1",
        &["2:11 this `(` is never closed"],
        "fused v {\n  out b = y\n}\nout c = 1\n",
    );
    check("fused v {\n out a = f(x\n}\nout c = 1", &["2:11 this `(` is never closed"], "fused v {\n}\nout c = 1\n");
    check(
        "fused v { x = 3; out b = y }",
        &["1:11 only outputs can stand in `fused v`; help: put this statement before `fused`"],
        "fused v {\n  out b = y\n}\n",
    );
    check(
        "fused v { fused w { out b = y } }",
        &["1:11 `fused` cannot stand in `fused`; `fused v {`@0 this one has not ended"],
        "fused v {\n  out b = y\n}\n",
    );
    check_one("fused v out a = x", "1:9 expected `{` after `v`, found `out`");
    check("fused { out a = x }", &["1:7 expected a name for the joint entry after `fused`, found `{`"], "out a = x\n");
}

#[test]
fn statements() {
    check_one(
        "a < b",
        "1:3 expected `=` after `a`, found `<`; help: a statement gives a name to a formula, `K = Exp(x)`, or requests a result, `out f = Sum[j](K)`",
    );
    check_one(
        "Sum[j](x)",
        "1:4 expected `=` after `Sum`, found `[`; help: a statement gives a name to a formula, `K = Exp(x)`, or requests a result, `out f = Sum[j](K)`",
    );
    check_one("out Sum[j](x)", "1:8 expected `=` after `Sum`, found `[`");
    check("out = x; out", &["1:13 expected the output's name after `out`, found the end of the text"], "out = x\n");
    check_one("out f Sum[j](x)", "1:7 expected `=` after `f`, found `Sum`");
    check_one("dim 3", "1:5 expected the dimension's name after `dim`, found `3`");
    check_one("dim D", "1:6 expected `=` after `D`, found the end of the text");
    check_one("def f(u, 2) = u", "1:10 expected a name or `)` after `,`, found `2`; `(`@5 inside this bracket");
    check_one("def f = u", "1:7 expected `(` after `f`, found `=`");
    check_one("dtype", "1:6 expected a number type such as `f32` or `f64` after `dtype`, found the end of the text");
    check_one("dtype 64", "1:7 expected a number type such as `f32` or `f64` after `dtype`, found `64`");
    check_one("dtype f64 x", "1:11 expected the end of the statement after `f64`, found `x`");
    check_one("numerics", "1:9 expected a setting such as `sum = kahan` after `numerics`, found the end of the text");
    check_one("numerics sum", "1:13 expected `=` after `sum`, found the end of the text");
    check_one("numerics sum = 3", "1:16 expected a name after `=`, found `3`");
    check_one(
        "numerics sum = kahan accumulate = f64",
        "1:22 expected `,` or the end of the statement after `kahan`, found `accumulate`",
    );
    check_one(
        "a = x numerics sum = kahan",
        "1:7 expected the end of the statement after `x`, found `numerics`; help: `numerics` follows an output or stands alone",
    );
    check_one(
        "out a = x numerics",
        "1:19 expected a setting such as `sum = kahan` after `numerics`, found the end of the text",
    );
    check_one("3 = x", "1:1 expected a statement, found `3`");
    check_one("out 3 = x", "1:5 expected the output's name after `out`, found `3`");
    check_one(
        "K == 3",
        "1:3 expected `=` after `K`, found `==`; help: a statement gives a name to a formula, `K = Exp(x)`, or requests a result, `out f = Sum[j](K)`",
    );
}

#[test]
fn expressions() {
    check(
        "out a = x < y <= z; b = 1",
        &[
            "1:15 comparisons cannot be chained; `x < y`@8 this is already a comparison; help: compare twice and multiply: `(a < b) * (b < c)`",
        ],
        "b = 1\n",
    );
    check_one(
        "out a = f(1, 2, k=3, 4)",
        "1:22 an argument without a name cannot follow one with a name; `k`@16 this one has a name",
    );
    check_one(
        "out a = b = c",
        "1:11 expected an operator or the end of the formula after `b`, found `=`; help: `==` compares two values; `name = value` stands at the start of a statement or of an argument",
    );
    check_one(
        "out a = (b = c)",
        "1:12 expected `,`, `)` or an operator after `b`, found `=`; help: `==` compares two values; `name = value` stands at the start of a statement or of an argument",
    );
    check_one("out a = f(b c)", "1:13 expected `,`, `)` or an operator after `b`, found `c`");
    check_one(
        "out a = f(long_name + other_name c)",
        "1:34 expected `,`, `)` or an operator after `other_name`, found `c`; `(`@9 inside this bracket",
    );
    check_one(
        "out a = 2 x",
        "1:11 expected an operator or the end of the formula after `2`, found `x`; help: write `*` for a product",
    );
    check_one(
        "out a = (x)(y)",
        "1:12 expected an operator or the end of the formula after `)`, found `(`; help: write `*` for a product",
    );
    check_one(
        "out a = x * * 2",
        "1:13 expected an expression after `*`, found `*`; help: a power is written `**`, without a blank",
    );
    check_one("out a = x // 2", "1:12 expected an expression after `/`, found `/`; help: a quotient is written `/`");
    check_one("out a = f(,)", "1:11 expected an expression after `(`, found `,`");
    check_one(
        "out a = ()()",
        "1:11 expected an operator or the end of the formula after `)`, found `(`; help: write `*` for a product",
    );
}

#[test]
fn tokens() {
    check(
        "out a = 2x + $y\n = 3\nb = 1",
        &[
            "1:9 `2x` is not a number; help: write `2 * x` for a product; numbers have no suffix",
            "1:14 `$` has no meaning in a formula",
            "2:2 expected a statement, found `=`",
        ],
        "b = 1\n",
    );
    check_one(
        "x.sqrt()",
        "1:2 `.` has no meaning in a formula; help: operations are written as functions: `Sqrt(x)`, not `x.sqrt()`",
    );
    check_one(
        "out a = \"x\"",
        "1:9 `\"` has no meaning in a formula; help: names and options are written without quotes",
    );
}

#[test]
fn what_is_used() {
    let wanted = "a library such as `kernels` or a file such as `\"definitions.kf\"`";
    check_one("use 3", &format!("1:5 expected {wanted} after `use`, found `3`"));
    check_one("use", &format!("1:4 expected {wanted} after `use`, found the end of the text"));
    check_one("use \"a.kf\" b", "1:12 expected the end of the statement after `\"a.kf\"`, found `b`");
    for (written, path) in [("my/it.kf", "my/it.kf"), ("\"a.kf", "a.kf"), ("a.kf'", "a.kf"), ("./σ-1.kf", "./σ-1.kf")]
    {
        let expected = format!(
            "1:5 `{written}` is neither a library's name nor a path in quotes; help: a path stands between quotes: `use \"{path}\"`"
        );
        check(&format!("use {written}\nout a = x"), &[&expected], "out a = x\n");
    }
    check("K = Exp(x\nuse 'a.kf'", &["1:8 this `(` is never closed"], "use \"a.kf\"\n");
    check(
        "fused f {\nuse a\n}",
        &["2:1 only outputs can stand in `fused f`; help: put this statement before `fused`"],
        "fused f {\n}\n",
    );
}

#[test]
fn every_mistake_is_reported() {
    check(
        "out a = x; y; z = w w; out b = x",
        &[
            "1:13 expected `=` after `y`, found `;`; help: a statement gives a name to a formula, `K = Exp(x)`, or requests a result, `out f = Sum[j](K)`",
            "1:21 expected an operator or the end of the formula after `w`, found `w`",
        ],
        "out a = x\nout b = x\n",
    );
}

#[test]
fn square_brackets() {
    check_one("out a = Sum[0](x)", "1:13 expected the reduced index, `i` or `j`, after `[`, found `0`");
    check_one("out a = Sum[j K=10](x)", "1:15 expected `,` or `]` after `j`, found `K`");
    check_one("out a = Sum[j, 10](x)", "1:16 expected a name or `]` after `,`, found `10`; `[`@11 inside this bracket");
    check_one("out a = v[]", "1:11 expected an expression after `[`, found `]`");
    check_one("out a = v[1:2:3]", "1:14 expected `]` after `2`, found `:`; `[`@9 inside this bracket");
}

#[test]
fn lone_expressions() {
    check_expression("", "1:1 expected an expression, found the end of the text");
    check_expression("a +\n", "1:4 expected an expression after `+`, found the end of the text");
    check_expression("a b", "1:3 expected an operator or the end of the formula after `a`, found `b`");
    check_expression("a, b", "1:2 expected an operator or the end of the formula after `a`, found `,`");
    check_expression(
        "a = b",
        "1:3 expected an operator or the end of the formula after `a`, found `=`; help: `==` compares two values; `name = value` stands at the start of a statement or of an argument",
    );
    check_expression("f(a", "1:2 this `(` is never closed");
    check_expression(
        "a < b < c",
        "1:7 comparisons cannot be chained; `a < b`@0 this is already a comparison; help: compare twice and multiply: `(a < b) * (b < c)`",
    );
}
