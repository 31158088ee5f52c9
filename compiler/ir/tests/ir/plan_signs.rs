//! What is known of signs in a plan: from one value to the next.

use keopsc_ir::plan::parse::parse;
use keopsc_ir::plan::signs::signs;
use keopsc_ops::scalar::Sign;

const PLAN: &str = "\
plan p
tensor x: input i[3] f32
tensor y: input j[3] f32
tensor p: output i[1] f32
pass rows i, over j, compute f32
  row v0[3] = read x
  column v1[3] = read y
  column v2[1] index = number
  pair v3[1] = sum(q < 3, (v0[q] - v1[q]) * (v0[q] - v1[q]))
  pair v4[1] = -v3
  pair v5[1] = exp(v4)
  pair v6[1] = v5 * v0[0]
  pair v7[1] = v5 * v3
  accumulate a0 = Sum(v7)
  epilogue v8[1] = outcome a0
  write p = v8
";

#[test]
fn signs_follow_from_those_before() {
    let plan = parse(PLAN).expect("it is a plan");
    let (unknown, nonnegative) = (Sign::UNKNOWN, Sign::NONNEGATIVE);
    let positive_zero = Sign { plain: true, ..nonnegative };
    let expected = [
        unknown,
        unknown,
        nonnegative,
        positive_zero,
        Sign::NONPOSITIVE,
        positive_zero,
        unknown,
        positive_zero,
        unknown,
    ];
    assert_eq!(signs(&plan.passes[0]), expected);
}
