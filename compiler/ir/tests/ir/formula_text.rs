//! The text form of programs: exact, and refused with a reason where it is not one.

use std::collections::BTreeSet;

use keopsc_ir::formula::generate::{generate, generate_with_requests};
use keopsc_ir::formula::parse::parse;
use keopsc_ir::formula::print::print;
use keopsc_ir::formula::{Node, NodeKind, Program};
use keopsc_ir::types::ScalarType;
use keopsc_ops::catalogue::{self, Value};
use keopsc_ops::{OperationId, ReductionId, reductions};

use crate::samples::PROGRAM;

fn round_trip(program: &Program, seed: u64) {
    let text = print(program);
    let again = parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    assert!(again == *program, "seed {seed}: another program is read than printed\n{text}");
}

#[test]
fn printed_programs_read_back() {
    let mut seen = Seen::default();
    for seed in 0..2000 {
        for program in [generate(seed), generate_with_requests(seed)] {
            round_trip(&program, seed);
            program.graph.nodes().for_each(|(_, node)| seen.add(node));
        }
    }
    let recipes = catalogue::operations().filter(|(_, row)| matches!(row.value, Value::Recipe(_)));
    assert_eq!(seen.operations, recipes.map(|(id, _)| id).collect());
    assert_eq!(seen.reductions, reductions::reductions().map(|(id, _)| id).collect());
    assert!(
        seen.longest_row > 32
            && seen.longest_list > 16
            && seen.gradients > 100
            && seen.tangents > 100
            && seen.choices > 20
    );
}

/// What of the language of programs there was.
#[derive(Default)]
struct Seen {
    operations: BTreeSet<OperationId>,
    reductions: BTreeSet<ReductionId>,
    longest_row: u32,
    longest_list: i64,
    gradients: u32,
    tangents: u32,
    choices: u32,
}

impl Seen {
    fn add(&mut self, node: &Node) {
        self.longest_row = self.longest_row.max(node.dim);
        match &node.kind {
            NodeKind::Operation { operation, .. } => drop(self.operations.insert(*operation)),
            NodeKind::Reduction { reduction, parameters, .. } => {
                self.reductions.insert(*reduction);
                self.longest_list = parameters.iter().fold(self.longest_list, |most, &k| most.max(k));
            }
            NodeKind::Gradient { .. } => self.gradients += 1,
            NodeKind::Tangent { .. } => self.tangents += 1,
            NodeKind::Chosen { .. } => self.choices += 1,
            NodeKind::Scatter { .. } => panic!("no program is generated with scatters"),
            NodeKind::Input(_) | NodeKind::Constant(_) => {}
        }
    }
}

#[test]
fn text_prints_back() {
    let program = parse(PROGRAM).expect("the sample is a program");
    assert_eq!(print(&program), PROGRAM);
}

#[test]
fn arithmetic_is_as_wide_as_what_is_widest() {
    let narrow = PROGRAM.replace("f64\n", "f32\n");
    let wide = |from: &str, to: &str| narrow.replace(from, to);
    let computing = |text: &str, entry: usize| {
        let program = parse(text).expect("it is a program");
        program.computing_type(&program.entries[entry])
    };
    assert_eq!(computing(&narrow, 0), ScalarType::F32);
    assert_eq!(computing(&wide("scalar f32", "scalar f64"), 0), ScalarType::F64);
    assert_eq!(computing(&wide("b: j[1] f32", "b: j[1] f64"), 0), ScalarType::F64);
    assert_eq!(computing(&wide("b: j[1] f32", "b: j[1] f64"), 1), ScalarType::F32, "b is no input of this entry");
}

#[test]
fn constants_keep_their_bits() {
    let negative_nan = f64::from_bits(f64::NAN.to_bits() ^ (1 << 63));
    for value in [0.0, -0.0, 1e-310, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, negative_nan, 0.1, -1e22] {
        let mut program = Program::default();
        program.graph.constant(value);
        round_trip(&program, 0);
    }
}

#[test]
fn texts_that_are_no_programs_are_refused() {
    let cases = [
        ("n1: p[1] = 2", "line 1, column 1: expected n0, as nodes are numbered in order"),
        ("n0: q[1] = 2", "line 1, column 5: expected a role: p, i, j, ij"),
        ("n0: p[1] = 2\nn1: p[1] = 2", "line 2, column 1: expected a formula that no other node has"),
        ("n0: p[1] = Nonsense(n0)", "line 1, column 12: expected an operation of the catalogue, not `Nonsense`"),
        ("n0: p[1] = Nonsense[j](n0)", "line 1, column 12: expected a reduction of the table, not `Nonsense`"),
        ("n0: i[3] = input x", "line 1, column 18: expected an input, not `x`"),
        ("n0: p[99999999999] = 2", "line 1, column 7: expected an integer that fits"),
        ("scalar f31", "line 1, column 8: expected a type: f16, bf16, f32, f64, i64, c64, c128"),
        ("input x: i[3] f32 twice", "line 1, column 19: expected the end of the line"),
        ("n0: p[1] = Exp(n1", "line 1, column 18: expected `,`"),
        ("n0: p[1] = Exp(é)", "line 1, column 16: expected `n` and a number"),
        ("entry f() -> a: i[1] = n0; sum = wrong", "line 1, column 34: expected a scheme: auto, direct, block, kahan"),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text).expect_err(text).to_string(), message, "{text}");
    }
}
