//! Every construct of the language: text in, canonical text out.

use keopsc_grammar::{parse_expression, parse_file, parse_part, print_expression, print_file};

#[track_caller]
fn check_file(text: &str, expected: &str) {
    let (file, errors) = parse_file(text);
    assert!(errors.is_empty(), "{errors:#?}");
    let printed = print_file(&file);
    assert_eq!(printed, expected);
    assert_eq!(parse_file(&printed), (file, Vec::new()), "the printed text means something else");
}

/// The expression reads as `expected`, which is fully bracketed, and prints as `printed`.
#[track_caller]
fn check(text: &str, bracketed: &str, printed: &str) {
    let expr = parse_expression(text).expect(text);
    assert_eq!(expr, parse_expression(bracketed).expect(bracketed));
    assert_eq!(print_expression(&expr), printed);
}

const GAUSS: &str = "\
# gauss.kf
dim D = 3                                 # a default
x     = Vi(D)                             # one row per i
y     = Vj(D)
b     = Vj(1)
sigma = Pm(1)

K = Exp(-SqDist(x, y) / sigma**2)         # a name for an expression

out conv   = Sum[j](K * b)
out conv_x = Grad(conv, x)
out nn     = ArgKMin[j, K=10](SqDist(x, y))
out f      = -sigma * LogSumExp[j](-SqDist(x, y) / sigma, weight=b)

fused vg {                                # several outputs from one pass over the pairs
  out value = Sum[j](K * b)
  out score = Sum[j](Grad(K, x) * b)
}
";

#[test]
fn the_example_of_the_manual() {
    check_file(
        GAUSS,
        "dim D = 3\nx = Vi(D)\ny = Vj(D)\nb = Vj(1)\nsigma = Pm(1)\nK = Exp(-SqDist(x, y) / sigma**2)\n\
         out conv = Sum[j](K * b)\nout conv_x = Grad(conv, x)\nout nn = ArgKMin[j, K=10](SqDist(x, y))\n\
         out f = -sigma * LogSumExp[j](-SqDist(x, y) / sigma, weight=b)\n\
         fused vg {\n  out value = Sum[j](K * b)\n  out score = Sum[j](Grad(K, x) * b)\n}\n",
    );
}

#[test]
fn files_that_are_used() {
    check_file(
        "use kernels; use \"my/defs.kf\", use 'it is #1.kf'\n",
        "use kernels\nuse \"my/defs.kf\"\nuse \"it is #1.kf\"\n",
    );
    check_file("use 'a \"b\".kf'", "use 'a \"b\".kf'\n");
    check_file("use = Exp(x)\nout f = Sum[j](use)", "use = Exp(x)\nout f = Sum[j](use)\n");
}

#[test]
fn a_file_behind_another() {
    let text = "σ = 1\nout f = )\n\u{feff}out g = x y";
    let start = text.find('\u{feff}').expect("it is there");
    let (file, errors) = parse_part(text, start);
    assert_eq!(print_file(&file), "");
    let places: Vec<&str> =
        errors.iter().map(|error| &text[error.span.start as usize..error.span.end as usize]).collect();
    assert_eq!(places, ["y"]);
    assert_eq!(errors[0].message, "expected an operator or the end of the formula after `x`, found `y`");
}

#[test]
fn parsing_the_example_takes_less_than_a_millisecond() {
    parse_file(GAUSS);
    let fastest = (0..20).map(|_| {
        let start = std::time::Instant::now();
        assert!(parse_file(GAUSS).1.is_empty());
        start.elapsed()
    });
    let fastest = fastest.min().unwrap_or_default();
    assert!(fastest.as_micros() < 1000, "{fastest:?}");
}

#[test]
fn statements() {
    check_file("", "");
    check_file("\n\n;;  # nothing\n", "");
    check_file("dtype f64", "dtype f64\n");
    check_file("dim D=2*3\r\n", "dim D = 2 * 3\n");
    check_file("def f(u, v) = (u|v)", "def f(u, v) = u | v\n");
    check_file("def one() = 1", "def one() = 1\n");
    check_file("x = Vi(3, dtype=f16)", "x = Vi(3, dtype=f16)\n");
    check_file("x = Vi(0,3); y=Vj(1,3)", "x = Vi(0, 3)\ny = Vj(1, 3)\n");
    check_file("numerics sum = kahan, accumulate = f64", "numerics sum = kahan, accumulate = f64\n");
    check_file(
        "out a = Sum[j](x) numerics sum=kahan, products=tf32\nout b = a",
        "out a = Sum[j](x) numerics sum = kahan, products = tf32\nout b = a\n",
    );
    check_file("out s = Sum_Reduction(Exp(x|y), 0)", "out s = Sum_Reduction(Exp(x | y), 0)\n");
}

#[test]
fn lines() {
    check_file("a = f(x,\n\n  y # why\n)\nb = a", "a = f(x, y)\nb = a\n");
    check_file("x = Vi(3,\n dtype = f16)", "x = Vi(3, dtype=f16)\n");
    check_file("a = (x\n + y)", "a = x + y\n");
    check_file("x = Vi(3), y = Vj(3), out a = Sum[j](x*y)", "x = Vi(3)\ny = Vj(3)\nout a = Sum[j](x * y)\n");
    check_file("x = Vi(3),\ny = Vj(3),\n", "x = Vi(3)\ny = Vj(3)\n");
    check_file("fused v { out a = 1; out b = 2 }; out c = 3", "fused v {\n  out a = 1\n  out b = 2\n}\nout c = 3\n");
    check_file("fused v {}", "fused v {\n}\n");
}

#[test]
fn words_of_statements_are_names_elsewhere() {
    check_file("dim = Vi(1)\nout dim = numerics * out", "dim = Vi(1)\nout dim = numerics * out\n");
    check_file("out out = f(out, dtype=def)\nout = fused[dim]", "out out = f(out, dtype=def)\nout = fused[dim]\n");
    check_file(
        "out a = numerics numerics numerics = dim, out = def\ndtype dtype\nnumerics numerics = numerics",
        "out a = numerics numerics numerics = dim, out = def\ndtype dtype\nnumerics numerics = numerics\n",
    );
}

#[test]
fn precedence() {
    check("-x**2", "-(x**2)", "-x**2");
    check("(-x)**2", "(-x)**2", "(-x)**2");
    check("2**-1", "2**(-1)", "2**-1");
    check("2^3^2", "2**(3**2)", "2**3**2");
    check("(2**3)**2", "(2**3)**2", "(2**3)**2");
    check("2**-x**2", "2**(-(x**2))", "2**-x**2");
    check("a-b-c", "(a-b)-c", "a - b - c");
    check("a-(b-c)", "a-(b-c)", "a - (b - c)");
    check("a/b*c%d", "((a/b)*c)%d", "a / b * c % d");
    check("a/(b*c)", "a/(b*c)", "a / (b * c)");
    check("-a*b", "(-a)*b", "-a * b");
    check("-(a*b)", "-(a*b)", "-(a * b)");
    check("a*-b", "a*(-b)", "a * -b");
    check("--+a", "-(-(+a))", "--+a");
    check("a|b+c*d", "a|(b+(c*d))", "a | b + c * d");
    check("(a|b)+c", "(a|b)+c", "(a | b) + c");
    check("a|b < c+d", "(a|b) < (c+d)", "a | b < c + d");
    check("(a<b)==c", "(a<b)==c", "(a < b) == c");
    check("a != (b >= c)", "a != (b >= c)", "a != (b >= c)");
    check("x[1]**2", "(x[1])**2", "x[1]**2");
    check("(a+b)[2]", "(a+b)[2]", "(a + b)[2]");
}

#[test]
fn brackets() {
    check("v[2]", "(v)[2]", "v[2]");
    check("v[1:3]", "v[1:3]", "v[1:3]");
    check("v[:3][1:][:]", "((v[:3])[1:])[:]", "v[:3][1:][:]");
    check("Sum[j](x)", "Sum[ j ](x)", "Sum[j](x)");
    check("KMin[i, K=2+1,](x, y, w = 3)", "KMin[i, K=(2+1)](x,y,w=3)", "KMin[i, K=2 + 1](x, y, w=3)");
    check("Sum[j](x)[2]", "(Sum[j](x))[2]", "Sum[j](x)[2]");
    check("v[j]", "v[(j)]", "v[j]");
    check(
        "f(x[1], (2, 3), [4], (5,), (), [])",
        "f(x[1], [2, 3], [4], [5], [], [])",
        "f(x[1], [2, 3], [4], [5], [], [])",
    );
    check("f(a, b,)", "f(a,b)", "f(a, b)");
    check("f(\n a\n)\n", "f(a)", "f(a)");
    check("sum(q < n, A[k*p + q] * b[q])", "sum((q<n), (A[(k*p)+q])*(b[q]))", "sum(q < n, A[k * p + q] * b[q])");
}

#[test]
fn numbers() {
    check("9223372036854775807", "9223372036854775807", "9223372036854775807");
    check("9223372036854775808", "9223372036854775808.0", "9.223372036854776e18");
    check("1e-3 + .5 + 2.", "0.001 + 0.5 + 2.0", "0.001 + 0.5 + 2.0");
}

#[test]
fn spans_cover_what_was_written() {
    let text = "out a = (x + f(y))*2 numerics sum = kahan";
    let (file, errors) = parse_file(text);
    assert!(errors.is_empty());
    let statement = &file.statements[0];
    assert_eq!((statement.span.start, statement.span.end as usize), (0, text.len()));
    let keopsc_grammar::syntax::StatementKind::Output(output) = &statement.kind else { panic!("{statement:?}") };
    assert_eq!(&text[output.value.span.start as usize..output.value.span.end as usize], "(x + f(y))*2");
}
