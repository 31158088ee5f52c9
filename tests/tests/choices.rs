//! Choices by row numbers in every block and scatters by them, in both types: compiled code against the interpreter, exact on small integers.

use keopsc_ir::evaluation::Sizes;
use keopsc_ir::formula::Program;
use keopsc_ir::formula::evaluate::evaluate;
use keopsc_ir::formula::parse::parse;
use keopsc_ir::formula::verify::{Stage, verify};
use keopsc_ir::plan::Verified;
use keopsc_ir::random::Random;
use keopsc_passes::plan::plan;
use keopsc_tests::{compile, runnable_levels};

/// Numbers of rows `a` and of columns `b`, one for all rows `c`, lists `d`, and what is chosen and summed up by them.
const PROGRAM: &str = "
scalar f32
input x: i[2] f32
input y: j[2] f32
input e: i[2] f32
input g: j[20] f32
n0: i[2] = input x
n1: j[2] = input y
n2: i[2] = input e
n3: j[20] = input g
n4: ij[2] = Mult(n0, n1)
n5: i[2] index = ArgMin[j](n4)
n6: j[2] index = ArgMax[i](n4)
n7: p[2] index = ArgMin[i -> p](n0)
n8: j[20] index = ArgKMin[i, 10](n4)
n9: ij[2] = chosen[j](n5, n2)
n10: ij[2] = chosen[i](n6, n0)
n11: i[2] = chosen[i](n5, n0)
n12: j[2] = chosen[j](n6, n1)
n13: i[2] = chosen[i](n7, n0)
n14: j[2] = chosen[j](n7, n1)
n15: ij[20] = chosen[i](n8, n3)
n16: ij[2] = Add(n11, n14)
n17: ij[2] = Mult(n9, n16)
n18: ij[2] = Add(n10, n13)
n19: ij[2] = Mult(n18, n12)
n20: i[2] = Sum[j](n9)
n21: j[2] = Sum[i](n9)
n22: i[2] = Sum[j](n10)
n23: j[2] = Sum[i](n10)
n24: i[2] = Sum[j](n17)
n25: j[2] = Sum[i](n19)
n26: i[20] = Sum[j](n15)
n27: j[20] = Sum[i](n15)
n28: p[2] = Sum[i -> p](n11)
n29: p[1] = 1
n30: i[2] = Add(n2, n13)
n31: j[2] = scatter[i](n5, n2)
n32: j[1] = scatter[i](n5, n29)
n33: i[20] = scatter[j](n8, n3)
n34: j[2] = scatter[i](n5, n30)
n35: ij[2] = Mult(n31, n0)
n36: i[2] = Sum[j](n35)
n37: j[2] = Add(n31, n34)
entry by_rows(x, y, e, g) -> a: i[2] = n20, b: i[2] = n22, c: i[2] = n24, d: i[20] = n26
entry by_columns(x, y, e, g) -> a: j[2] = n21, b: j[2] = n23, c: j[2] = n25, d: j[20] = n27
entry numbers(x, y, e, g) -> a: i[2] = n11, b: j[2] = n12, c: i[2] = n13, d: j[2] = n14, f: p[2] = n28
entry scatters(x, y, e, g) -> a: j[2] = n31, b: j[1] = n32, c: i[20] = n33, d: j[2] = n37, f: i[2] = n36
";

/// One row, rows around tiles and lanes, more than a chunk of columns, nothing.
const SIZES: [(usize, usize); 6] = [(1, 1), (3, 0), (0, 4), (17, 33), (70, 12), (3, 600)];

fn check(program: &Program, level: usize) {
    verify(program, Stage::Differentiated).expect("it keeps the rules");
    let plans = plan(program).into_iter().map(|plan| Verified::new(plan).expect("plans keep the rules"));
    let plans: Vec<Verified> = plans.collect();
    let compiled = compile(&plans, runnable_levels()[level]);
    for (number, entry) in program.entries.iter().enumerate() {
        for (i, j) in SIZES {
            let sizes = Sizes { i, j };
            let mut random = Random::new(9);
            let inputs = entry.inputs.iter().map(|&id| program.input(id));
            let values = inputs.map(|input| {
                (0..sizes.rows(input.role) * input.dim as usize).map(|_| random.integer(-50, 50) as f64).collect()
            });
            let inputs: Vec<Vec<f64>> = values.collect();
            let expected = evaluate(program, entry, sizes, &inputs).expect("it can be evaluated");
            let found = compiled.run(number, sizes, &inputs);
            for (output, (expected, found)) in entry.outputs.iter().zip(expected.iter().zip(&found)) {
                assert_eq!(&expected.values, found, "{} of {} at {sizes:?}", output.name, entry.name);
            }
        }
    }
}

#[test]
fn in_every_block() {
    for level in [0, runnable_levels().len() - 1] {
        check(&parse(PROGRAM).expect("it can be read"), level);
        check(&parse(&PROGRAM.replace("f32", "f64")).expect("it can be read"), level);
    }
}
