//! Parts of vectors, matrices as row-major vectors, and their products.

use super::{Law, Operation, Sign, Value};

const AROUND_ZERO: (f64, f64) = (-2.0, 2.0);

pub(super) const ROWS: &[Operation] = &[
    Operation {
        name: "Elem",
        aliases: &["elem"],
        signature: "Elem(f: n, m: int(0, n - 1)) -> 1",
        value: Value::Recipe("f[m]"),
        gradient: &[("f", "ElemT(e, n, m)")],
        laws: &[
            Law::exact("Elem(SumT(a, n), m)", "a"),
            Law::exact("Elem(Extract(a, k, n), m)", "Elem(a, k + m)"),
            Law::exact("Elem(ExtractT(a, k, n), m)", "Elem(a, m - k)").when(&["m >= k", "m < k + dim(a)"]),
            Law::exact("Elem(ExtractT(a, k, n), m)", "0").when(&["m < k"]),
            Law::exact("Elem(ExtractT(a, k, n), m)", "0").when(&["m >= k + dim(a)"]),
        ],
        sign: Sign::AsLargest(&["f"]),
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "Component `m` of `f`, counted from 0.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ElemT",
        aliases: &["elemT"],
        signature: "ElemT(f: 1, n: int(1), m: int(0, n - 1)) -> n",
        value: Value::Recipe("choose(k == m, f, 0)"),
        gradient: &[("f", "Elem(e, m)")],
        laws: &[Law::exact("ElemT(a, 1, 0)", "a")],
        sign: Sign::NonnegativeIf(&["f"]),
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "The vector of `n` components that is the scalar `f` at index `m` and 0 elsewhere.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Extract",
        aliases: &["extract"],
        signature: "Extract(f: n, start: int(0, n - 1), d: int(1, n - start)) -> d",
        value: Value::Recipe("f[start + k]"),
        gradient: &[("f", "ExtractT(e, start, n)")],
        laws: &[
            Law::exact("Extract(a, 0, n)", "a").when(&["n == dim(a)"]),
            Law::exact("Extract(Extract(a, k, l), m, n)", "Extract(a, k + m, n)"),
            Law::exact("Extract(Concat(a, b), m, n)", "Extract(a, m, n)").when(&["m + n <= dim(a)"]),
            Law::exact("Extract(Concat(a, b), m, n)", "Extract(b, m - k, n)").when(&["k == dim(a)", "m >= k"]),
            Law::exact("Extract(SumT(a, k), m, n)", "SumT(a, n)"),
            Law::exact("Extract(ExtractT(a, m, k), m, n)", "a").when(&["n == dim(a)"]),
        ],
        sign: Sign::AsLargest(&["f"]),
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "The `d` components of `f` from `start` on.",
        ..Operation::EMPTY
    },
    Operation {
        name: "ExtractT",
        aliases: &["extractT"],
        signature: "ExtractT(f: n, start: int(0), d: int(start + n)) -> d",
        value: Value::Recipe("choose(k < start, 0, choose(k < start + n, f[k - start], 0))"),
        gradient: &[("f", "Extract(e, start, n)")],
        laws: &[Law::exact("ExtractT(a, 0, n)", "a").when(&["n == dim(a)"])],
        sign: Sign::NonnegativeIf(&["f"]),
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "The vector of `d` components that is `f` from `start` on and 0 elsewhere.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Concat",
        aliases: &["concat", "concatenate"],
        signature: "Concat(f: n, g: m) -> n + m",
        value: Value::Recipe("choose(k < n, f[k], g[k - n])"),
        gradient: &[("f", "Extract(e, 0, n)"), ("g", "Extract(e, n, m)")],
        laws: &[
            Law::exact("Concat(Elem(a, m), Elem(a, n))", "Extract(a, m, 2)").when(&["n == m + 1"]),
            Law::exact("Concat(Extract(a, k, l), Elem(a, m))", "Extract(a, k, l + 1)").when(&["m == k + l"]),
            Law::exact("Concat(Elem(a, m), Extract(a, k, l))", "Extract(a, m, l + 1)").when(&["k == m + 1"]),
            Law::exact("Concat(Extract(a, k, l), Extract(a, m, n))", "Extract(a, k, l + n)").when(&["m == k + l"]),
            Law::exact("Concat(SumT(a, m), SumT(a, n))", "SumT(a, m + n)"),
        ],
        sign: Sign::NonnegativeIf(&["f", "g"]),
        complex: &[("r r -> r", ""), ("z z -> z", "")],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The components of `f`, then those of `g`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "MatVecMult",
        aliases: &["matvecmult"],
        signature: "MatVecMult(A: n*p, b: p) -> n",
        value: Value::Recipe("sum(q < p, A[k * p + q] * b[q])"),
        gradient: &[("A", "TensorProd(e, b)"), ("b", "VecMatMult(e, A)")],
        laws: &[
            Law::exact("MatVecMult(a, b)", "a * b").when(&["dim(b) == 1"]),
            Law::exact("MatVecMult(a, b)", "Scalprod(a, b)").when(&["dim(a) == dim(b)"]),
        ],
        sign: Sign::NonnegativeIf(&["A", "b"]),
        linear_in: &["A", "b"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The product of the row-major matrix `A` and the vector `b`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "VecMatMult",
        aliases: &["vecmatmult"],
        signature: "VecMatMult(b: n, A: n*p) -> p",
        value: Value::Recipe("sum(q < n, b[q] * A[q * p + k])"),
        gradient: &[("b", "MatVecMult(A, e)"), ("A", "TensorProd(b, e)")],
        laws: &[
            Law::exact("VecMatMult(a, b)", "a * b").when(&["dim(a) == 1"]),
            Law::exact("VecMatMult(a, b)", "Scalprod(a, b)").when(&["dim(a) == dim(b)"]),
        ],
        sign: Sign::NonnegativeIf(&["b", "A"]),
        linear_in: &["b", "A"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The product of the vector `b` and the row-major matrix `A`.",
        ..Operation::EMPTY
    },
    Operation {
        name: "MatMatMult",
        aliases: &["matmatmult"],
        signature: "MatMatMult(A: n*p, B: p*m, p: int(1)) -> n*m",
        value: Value::Recipe("sum(q < p, A[k / m * p + q] * B[q * m + k % m])"),
        gradient: &[("A", "MatMatMult(e, Transpose(B, 1, p, m), m)"), ("B", "MatMatMult(Transpose(A, 1, n, p), e, n)")],
        laws: &[Law::exact("MatMatMult(a, b, 1)", "TensorProd(a, b)")],
        linear_in: &["A", "B"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The product of two row-major matrices, of which the first has `p` columns and the second `p` rows.",
        ..Operation::EMPTY
    },
    Operation {
        name: "Transpose",
        signature: "Transpose(f: before*rows*columns*after, before: int(1), rows: int(1), columns: int(1)) \
                    -> before*rows*columns*after",
        value: Value::Recipe(
            "f[((k / (rows * columns * after) * rows + k / after % rows) * columns + k / (rows * after) % columns) * after + k % after]",
        ),
        gradient: &[("f", "Transpose(e, before, columns, rows)")],
        linear_in: &["f"],
        domain: &[AROUND_ZERO],
        doc: "The row-major tensor with extents `before`, `rows`, `columns` and what is left, with its second and third axis exchanged.",
        ..Operation::EMPTY
    },
    Operation {
        name: "TensorProd",
        aliases: &["tensorprod"],
        signature: "TensorProd(f: n, g: m) -> n*m",
        value: Value::Recipe("f[k / m] * g[k % m]"),
        gradient: &[("f", "MatVecMult(e, g)"), ("g", "VecMatMult(f, e)")],
        laws: &[
            Law::exact("TensorProd(a, b)", "a * b").when(&["dim(a) == 1"]),
            Law::exact("TensorProd(a, b)", "a * b").when(&["dim(b) == 1"]),
        ],
        sign: Sign::NonnegativeIf(&["f", "g"]),
        linear_in: &["f", "g"],
        domain: &[AROUND_ZERO, AROUND_ZERO],
        doc: "The outer product of `f` and `g`, row-major.",
        ..Operation::EMPTY
    },
];
