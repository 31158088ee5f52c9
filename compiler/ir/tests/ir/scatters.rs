//! Scatters in both representations: text, rules, values.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::{self, verify::Stage};
use keopsc_ir::plan::{self, Plan, TensorKind};
use keopsc_ir::random::Random;

const PROGRAM: &str = "input x: i[2] f32
input y: j[2] f32
n0: i[2] = input x
n1: j[2] = input y
n2: ij[1] = SqDist(n0, n1)
n3: i[1] index = ArgMin[j](n2)
n4: j[2] = scatter[i](n3, n0)
n5: p[1] = 1
n6: j[1] = scatter[i](n3, n5)
n7: i[3] index = ArgKMin[j, 3](n2)
n8: j[2] = scatter[i](n7, n0)
entry f(x, y) -> total: j[2] = n4, count: j[1] = n6, lists: j[2] = n8
";

const PLAN: &str = "plan f
tensor x: input i[2] f32
tensor y: input j[2] f32
tensor total: output j[2] f32
tensor count: output j[1] f32
tensor t0: temporary i[1] i64
tensor t1: temporary j[2] f32
tensor t2: temporary j[1] f32
pass rows i, over j, compute f32
  row v0[2] = read x
  column v1[2] = read y
  pair v2[1] = sum(q < 2, (v0[q] - v1[q]) * (v0[q] - v1[q]))
  accumulate a0 = ArgMin(v2)
  epilogue v3[1] index = outcome a0
  write t0 = v3
  scatter t1 = x by t0
  scatter t2 = 1 by t0
pass rows j, compute f32
  row v0[2] = read t1
  row v1[1] = read t2
  write total = v0
  write count = v1
";

/// Four points, of which the second two are nearest to the last and the others to the first of three.
const X: [f64; 8] = [0.0, 0.0, 5.0, 5.0, 1.0, 0.0, 6.0, 5.0];
const Y: [f64; 6] = [0.0, 0.0, 100.0, 0.0, 5.0, 5.0];
const SIZES: Sizes = Sizes { i: 4, j: 3 };

fn program() -> formula::Program {
    formula::parse::parse(PROGRAM).expect("this is a program")
}

fn read_plan(text: &str) -> Plan {
    plan::parse::parse(text).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

#[test]
fn texts_print_back_and_keep_the_rules() {
    assert_eq!(formula::print::print(&program()), PROGRAM);
    assert_eq!(formula::verify::verify(&program(), Stage::Differentiated), Ok(()));
    assert_eq!(plan::print::print(&read_plan(PLAN)), PLAN);
    assert_eq!(plan::verify::verify(&read_plan(PLAN)), Ok(()));
}

#[test]
fn sums_and_counts_of_the_rows_that_name_a_column() {
    let inputs = [X.to_vec(), Y.to_vec()];
    let program = program();
    let found = formula::evaluate::evaluate(&program, &program.entries[0], SIZES, &inputs).expect("it has values");
    assert_eq!(found[0].values, [1.0, 0.0, 0.0, 0.0, 11.0, 10.0]);
    assert_eq!(found[1].values, [2.0, 0.0, 2.0]);
    // Three places are as many as there are columns.
    assert_eq!(found[2].values, [12.0, 10.0].repeat(3));
    let found = plan::evaluate::evaluate(&read_plan(PLAN), SIZES, &inputs).expect("it has values");
    assert_eq!(found[0].values, [1.0, 0.0, 0.0, 0.0, 11.0, 10.0]);
    assert_eq!(found[1].values, [2.0, 0.0, 2.0]);
}

#[test]
fn rules_of_programs() {
    let cases = [
        (
            "scatter[i](n3, n0)",
            "scatter[i](n0, n0)",
            "values are scattered by row numbers that a reduction over the other index found",
        ),
        (
            "j[2] = scatter[i](n3, n0)",
            "i[2] = scatter[j](n3, n1)",
            "values are scattered by row numbers that a reduction over the other index found",
        ),
        ("scatter[i](n3, n0)", "scatter[i](n3, n1)", "what is scattered has the rows of its numbers"),
        ("scatter[i](n3, n0)", "scatter[i](n3, n3)", "row numbers are not computed with"),
        ("j[2] = scatter[i](n3, n0)", "j[1] = scatter[i](n3, n0)", "a node's type follows from its arguments"),
    ];
    for (from, to, rule) in cases {
        let text = PROGRAM.replacen(from, to, 1);
        let program = formula::parse::parse(&text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let defects = formula::verify::verify(&program, Stage::Differentiated).err().unwrap_or_default();
        assert!(defects.iter().any(|defect| defect.rule == rule), "{to} breaks {defects:?}");
    }
}

#[test]
fn rules_of_plans() {
    let cases = [
        (
            "scatter t1 = x by t0",
            "scatter total = x by t0",
            "sums go to a temporary of the computing type along the columns",
        ),
        (
            "t1: temporary j[2] f32",
            "t1: temporary j[2] f64",
            "sums go to a temporary of the computing type along the columns",
        ),
        (
            "t1: temporary j[2] f32",
            "t1: temporary i[2] f32",
            "sums go to a temporary of the computing type along the columns",
        ),
        ("scatter t1 = x by t0", "scatter t1 = x by x", "values are scattered by row numbers that passes have written"),
        ("  write t0 = v3\n", "", "values are scattered by row numbers that passes have written"),
        ("scatter t1 = x by t0", "scatter t1 = 1 by t0", "a count has one component"),
        (
            "scatter t1 = x by t0",
            "scatter t1 = y by t0",
            "what is scattered are numbers of the rows, as many as of the sums",
        ),
        (
            "scatter t1 = x by t0",
            "scatter t1 = t0 by t0",
            "what is scattered are numbers of the rows, as many as of the sums",
        ),
        ("scatter t2 = 1 by t0", "scatter t1 = x by t0", "outputs and temporaries are written once"),
    ];
    for (from, to, rule) in cases {
        let defects = plan::verify::verify(&read_plan(&PLAN.replacen(from, to, 1))).err().unwrap_or_default();
        assert!(defects.iter().any(|defect| defect.rule == rule), "{to} breaks {defects:?}");
    }
    assert!(plan::parse::parse(&PLAN.replace("= x by t0", "= 2 by t0")).is_err());
}

#[test]
fn plans_that_scatter_have_no_shards() {
    let without: String =
        PLAN.lines().filter(|line| !line.contains("scatter")).map(|line| format!("{line}\n")).collect();
    assert!(read_plan(PLAN).shards().is_none());
    let first = without.split("pass rows j").next().unwrap_or_default();
    assert!(read_plan(first).shards().is_some());
}

#[test]
fn generated_plans_read_back_keep_the_rules_and_have_results() {
    let mut scatters = 0;
    for seed in 0..500 {
        let plan = plan::generate::generate_with_scatters(seed);
        let text = plan::print::print(&plan);
        assert_eq!(plan::parse::parse(&text).as_ref(), Ok(&plan), "seed {seed}\n{text}");
        assert_eq!(plan::verify::verify(&plan), Ok(()), "seed {seed}\n{text}");
        scatters += plan.passes.iter().map(|pass| pass.scatters.len()).sum::<usize>();
        let mut random = Random::new(seed);
        let inputs = plan.tensors.iter().filter(|tensor| tensor.kind == TensorKind::Input);
        let inputs = inputs.map(|tensor| {
            let count = SIZES.rows(tensor.role) * tensor.dim() as usize;
            (0..count).map(|_| random.real(0.5, 2.0)).collect()
        });
        let results = plan::evaluate::evaluate(&plan, SIZES, &inputs.collect::<Vec<_>>());
        assert!(results.is_ok(), "seed {seed}");
    }
    assert!(scatters > 50, "{scatters}");
}
