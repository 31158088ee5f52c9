//! The rules of programs: generated ones keep them, and for each rule there is a program that breaks it.

use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::parse::parse;
use keopsc_ir::formula::print::print;
use keopsc_ir::formula::verify::{Stage, verify};
use keopsc_ir::formula::{Graph, InputId, NodeId, NodeKind, Program};
use keopsc_ir::random::Random;
use keopsc_ir::types::{Role, ScalarType};
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};

use crate::samples::PROGRAM;

#[test]
fn generated_programs_keep_the_rules() {
    for seed in 0..2000 {
        let program = generate(seed);
        assert_eq!(verify(&program, Stage::Differentiated), Ok(()), "seed {seed}\n{}", print(&program));
        let program = generate_with_requests(seed);
        assert_eq!(verify(&program, Stage::Resolved), Ok(()), "seed {seed}\n{}", print(&program));
    }
}

/// The rules that a program breaks.
fn broken(program: &Program, stage: Stage) -> Vec<&'static str> {
    verify(program, stage).err().unwrap_or_default().iter().map(|defect| defect.rule).collect()
}

/// Replaces a part of the sample's text.
fn altered(from: &str, to: &str) -> Program {
    assert!(PROGRAM.contains(from), "{from}");
    let text = PROGRAM.replacen(from, to, 1);
    parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn rules_of_texts() {
    let cases = [
        ("scalar f64", "scalar i64", "results are stored as real numbers"),
        ("input s: p[1] f64", "input s: p[1] f64\ninput s: p[1] f64", "names of inputs differ"),
        ("input s: p[1]", "input s: ij[1]", "an input depends on one index at most"),
        ("input s: p[1]", "input s: p[0]", "an input has components"),
        ("SqDist(n0, n1)", "SqDist(n0, n2)", "arguments stand before their users"),
        ("SqDist(n0, n1)", "SqDist(n0, n99)", "arguments stand before their users"),
        ("n12: p[1]", "n12: p[0]", "a node has components"),
        ("n12: p[1]", "n12: i[1]", "a node's type follows from its arguments"),
        ("n0: i[3]", "n0: i[2]", "a node's type follows from its arguments"),
        ("n2: ij[1]", "n2: i[1]", "a node's type follows from its arguments"),
        ("n2: ij[1]", "n2: ij[1] index", "a node's type follows from its arguments"),
        ("n9: i[1]", "n9: j[1]", "a node's type follows from its arguments"),
        ("n10: i[1] index", "n10: i[1]", "a node's type follows from its arguments"),
        ("Elem(n0, 1)", "Elem(n0, 7)", "arguments fit the signature"),
        ("Sum[j](n8)", "Sum[j, 2](n8)", "arguments fit the signature"),
        ("Sum[j](n8)", "Sum[j](n8).1", "a reduction has the outcome"),
        ("Sum[j](n8)", "Sum[j -> j](n8)", "a reduction's result does not depend on the reduced index"),
        (
            "Sum[j](n8)",
            "Sum[j -> p](n8)",
            "a reduction's arguments depend on nothing but the reduced index and the rows",
        ),
        ("Mult(n9, n12)", "Mult(n9, n10)", "row numbers are not computed with"),
        ("Sum[i -> p](n9)", "Sum[i -> p](n10)", "row numbers are not computed with"),
        ("Mult(n9, n12)", "chosen[j](n9, n9)", "a choice is by row numbers"),
        ("Mult(n9, n12)", "chosen[j](n10, n10)", "row numbers are not computed with"),
        ("Mult(n9, n12)", "chosen[j](n10, n9)", "a node's type follows from its arguments"),
        ("Mult(n9, n12)", "chosen[i](n10, n0)", "what is chosen has a row number a component"),
        ("Mult(n9, n12)", "gradient(n9, n3, n9)", "derivatives are gone after differentiation"),
        ("Mult(n9, n12)", "tangent(n9, n9, n9)", "derivatives are with respect to inputs"),
        (
            "Mult(n9, n12)",
            "gradient(n9, n3, n0)",
            "a cotangent has the components of the value, a tangent those of the variable",
        ),
        (
            "Mult(n9, n12)",
            "tangent(n9, n0, n9)",
            "a cotangent has the components of the value, a tangent those of the variable",
        ),
        ("entry near", "entry conv", "names of entries differ"),
        ("near(x, y)", "near(x, y, x)", "an entry takes an input once"),
        ("near(x, y)", "near(x)", "an entry takes the inputs that it uses"),
        ("half: i[1]", "total: i[1]", "names of outputs differ"),
        (
            "near(x, y) -> near: i[1] = n10",
            "near(x, y) -> near: p[1] = n12 gradient s",
            "an entry takes the inputs that its gradients are in",
        ),
        ("half: i[1]", "half: ij[1]", "an output depends on one index at most"),
        ("half: i[1]", "half: i[2]", "an output's extents multiply to its components"),
        ("half: i[1]", "half: i[65536, 65536]", "an output's extents multiply to its components"),
        ("half: i[1]", "half: j[1]", "an output's rows have the indices that its node depends on"),
        ("near: i[1]", "near: j[1]", "an output of row numbers has the rows of its reduction"),
        ("half: i[1] = n14", "half: i[1] = n99", "an output's node exists"),
    ];
    for (from, to, rule) in cases {
        let found = broken(&altered(from, to), Stage::Differentiated);
        assert!(found.contains(&rule), "{from} -> {to} breaks {found:?}, not `{rule}`");
    }
}

#[test]
fn requests_are_allowed_before_differentiation() {
    let program = altered("n14: i[1] = Mult(n9, n12)", "n14: i[3] = gradient(n9, n0, n9)");
    assert_eq!(broken(&program, Stage::Resolved), ["an output's extents multiply to its components"]);
}

/// Rows of tables by the first number that none has.
#[test]
fn rules_that_no_text_breaks() {
    type Change = fn(&mut Program);
    let cases: [(Change, &str); 8] = [
        (|program| program.inputs[0].name = "1x".to_string(), "a name is an identifier"),
        (|program| program.entries[0].name = "a b".to_string(), "a name is an identifier"),
        (|program| program.entries[0].outputs[0].name = String::new(), "a name is an identifier"),
        (|program| program.entries[0].inputs.push(InputId(9)), "an entry's inputs exist"),
        (|program| program.entries[0].outputs.clear(), "an entry has outputs"),
        (|program| program.inputs.truncate(1), "an input node's input exists"),
        (
            |program| {
                change_kind(program, 2, |kind| match kind {
                    NodeKind::Operation { operation, .. } => {
                        *operation = OperationId(catalogue::operations().count() as u16)
                    }
                    _ => unreachable!("n2 is an operation"),
                });
            },
            "an operation is one of the catalogue",
        ),
        (
            |program| {
                change_kind(program, 9, |kind| match kind {
                    NodeKind::Reduction { reduction, .. } => {
                        *reduction = ReductionId(reductions::reductions().count() as u16)
                    }
                    _ => unreachable!("n9 is a reduction"),
                });
            },
            "a reduction is one of the table",
        ),
    ];
    for (change, rule) in cases {
        let mut program = parse(PROGRAM).expect("the sample is a program");
        assert_eq!(broken(&program, Stage::Differentiated), Vec::<&str>::new());
        change(&mut program);
        let found = broken(&program, Stage::Differentiated);
        assert!(found.contains(&rule), "{found:?} are broken, not `{rule}`");
    }
}

fn change_kind(program: &mut Program, number: usize, change: impl Fn(&mut NodeKind)) {
    rebuild(program, |id, node| {
        if id == number {
            change(&mut node.kind);
        }
    });
}

fn rebuild(program: &mut Program, change: impl Fn(usize, &mut keopsc_ir::formula::Node)) {
    let old = std::mem::take(&mut program.graph);
    let mut graph = Graph::default();
    for (id, node) in old.nodes() {
        let mut node = node.clone();
        change(id.0 as usize, &mut node);
        graph.add(node);
    }
    program.graph = graph;
}

#[test]
fn altered_programs_are_rejected() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut program = generate(seed);
        let before = print(&program);
        let victim = random.below(program.graph.len());
        let change = random.below(5);
        rebuild(&mut program, |id, node| {
            if id != victim {
                return;
            }
            match change {
                0 => node.dim += 1,
                1 => node.role = if node.role == Role::I { Role::J } else { Role::I },
                2 => node.is_index = !node.is_index,
                3 => node.kind = NodeKind::Input(InputId(99)),
                _ => match &mut node.kind {
                    NodeKind::Operation { arguments, .. } | NodeKind::Reduction { arguments, .. } => {
                        arguments[0] = NodeId(id as u32);
                    }
                    _ => node.dim += 1,
                },
            }
        });
        let defects = verify(&program, Stage::Differentiated);
        assert!(defects.is_err(), "seed {seed}, change {change} of n{victim} of\n{before}");
    }
}

#[test]
fn defects_say_where_and_what() {
    let defects = verify(&altered("n2: ij[1]", "n2: i[3]"), Stage::Differentiated).expect_err("n2 is wrong");
    let text = defects[0].to_string();
    assert_eq!(text, "n2: a node's type follows from its arguments; found i[3] where ij[1] is inferred");
}

#[test]
fn an_input_of_row_numbers_is_no_real_number() {
    let mut program = parse(PROGRAM).expect("the sample is a program");
    program.inputs[0].scalar = ScalarType::I64;
    assert!(broken(&program, Stage::Differentiated).contains(&"a node's type follows from its arguments"));
}
