//! The programs and plans that several tests start from.

/// A Gaussian sum, its total, and the nearest neighbour.
pub const PROGRAM: &str = "\
scalar f64
input x: i[3] f64
input y: j[3] f64
input b: j[1] f64
input s: p[1] f64
n0: i[3] = input x
n1: j[3] = input y
n2: ij[1] = SqDist(n0, n1)
n3: p[1] = input s
n4: ij[1] = Divide(n2, n3)
n5: ij[1] = Minus(n4)
n6: ij[1] = Exp(n5)
n7: j[1] = input b
n8: ij[1] = Mult(n6, n7)
n9: i[1] = Sum[j](n8)
n10: i[1] index = Min_ArgMin[j](n2).1
n11: p[1] = Sum[i -> p](n9)
n12: p[1] = 0.5
n13: i[1] = Elem(n0, 1)
n14: i[1] = Mult(n9, n12)
entry conv(x, y, b, s) -> conv: i[1] = n9
entry near(x, y) -> near: i[1] = n10
entry both(x, y, b, s) -> total: p[1] = n11, half: i[1] = n14, first: i[1] = n13; sum = kahan, accumulate = f64
";

/// The plan of `conv`, and of the distance to the mean of `conv` in a second pass.
pub const PLAN: &str = "\
plan conv; sum = kahan
tensor x: input i[3] f64
tensor y: input j[3] f64
tensor b: input j[1] f64
tensor s: input p[1] f64
tensor conv: output i[1] f64
tensor near: output i[1, 1] i64
tensor total: output p[1] f64
tensor kept: temporary i[1] f64
pass rows i, over j, compute f64
  parameter v0[1] = read s
  parameter v1[1] = 1 / v0
  row v2[3] = read x
  column v3[3] = read y
  column v4[1] = read b
  pair v5[1] = sum(q < 3, (v2[q] - v3[q]) * (v2[q] - v3[q]))
  pair v6[1] = exp(-v5 * v1) * v4
  accumulate a0 = Sum(v6)
  accumulate a1 = Min_ArgMin(v5)
  epilogue v7[1] = outcome a0
  epilogue v8[1] index = outcome a1.1
  epilogue v9[1] = v7 + choose(k < 1, 0, v2[k - 1])
  write conv = v7
  write near = v8
  write kept = v9
pass rows p, over i, compute f64
  column v0[1] = read kept
  accumulate a0 = Sum(v0)
  epilogue v1[1] = outcome a0
  write total = v1
";
