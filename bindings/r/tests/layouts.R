# Arrays as R holds them: empty ones, slices, ranges, batches, of either precision; results that belong to no other.
source("helpers/helpers.R")
set.seed(3)
F <- keops_kernel("Sum_Reduction(Exp(-p * SqDist(x, y)) * b, 1)", c("p=Pm(1)", "x=Vi(3)", "y=Vj(3)", "b=Vj(2)"))
gauss <- function(p, x, y, b) exp(-p * squared_distances(x, y)) %*% b
x <- matrix(rnorm(15), 5); y <- matrix(rnorm(21), 7); b <- matrix(rnorm(14), 7)
close_to(F(list(0.3, x, y, b)), gauss(0.3, x, y, b))
close_to(F(list(0.3, x, y[c(2, 4, 6), ], b[1:3, ])), gauss(0.3, x, y[c(2, 4, 6), ], b[1:3, ]))
close_to(F(list(0.3, x, y[0, ], b[0, ])), matrix(0, 5, 2), 0)
close_to(F(list(0.3, x[0, ], y, b)), matrix(0, 0, 2), 0)
close_to(F(list(1L, x[1, , drop = FALSE], y, b)), gauss(1, x[1, , drop = FALSE], y, b))
close_to(F(list(1:1 / 2, array(x, c(5, 3, 1)), y, b)), array(gauss(0.5, x, y, b), c(5, 2, 1)))

# Arguments stay as they are, and results too.
copy <- x + 0
first <- F(list(0.3, x, y, b))
kept <- first + 0
invisible(F(list(0.5, x, y, b)))
stopifnot(identical(first, kept), identical(x, copy))

# Batches: x has 4 elements, p has 3, so that results have 3 x 4; by rows as well.
p <- array(runif(3), c(1, 1, 3)); x <- array(rnorm(60), c(5, 3, 1, 4))
found <- F(list(p, x, y, b))
stopifnot(identical(dim(found), c(5L, 2L, 3L, 4L)))
for (k in 1:3) {
  for (l in 1:4) {
    close_to(found[, , k, l], gauss(p[k], x[, , 1, l], y, b))
  }
}
close_to(F(list(p, aperm(x, c(2, 1, 3, 4)), t(y), t(b)), "row"), found, 0)
refused("keopsc_shape", "x is 5 x 3 x 2: expected 3 or 1 in axis 3", F(list(p, x[, , 1, 1:2], y, b)))
q <- array(rnorm(6), c(1, 2, 3))
found <- keops_kernel("Sum_Reduction((q | y), 1)", c("q=Pm(2)", "y=Vj(2)"))(list(q, y[, 1:2]))
close_to(found, array(apply(q, 3, function(q) sum(y[, 1:2] %*% drop(q))), c(1, 1, 3)))
found <- sum(sqdist(Vi(x), Vj(y)), "j")
stopifnot(identical(dim(found), c(5L, 1L, 1L, 4L)))
close_to(found[, , 1, 2], rowSums(squared_distances(x[, , 1, 2], y)), 1e-12)
close_to(sum(Vj(y) * Pm(p), "j"), array(apply(p, 3, function(p) colSums(y) * c(p)), c(1, 3, 3)))
close_to(sum(Vj(data.frame(y)), "j"), t(colSums(y)))
numbers <- keops_kernel("ArgKMin_Reduction(x - y, 2, 1)", c("x=Vi(3)", "y=Vj(3)"))(list(x, y))
stopifnot(identical(dim(numbers), c(5L, 2L, 3L, 1L, 4L)))
for (d in 1:3) {
  close_to(numbers[, , d, 1, 3], t(apply(outer(x[, d, 1, 3], y[, d], "-"), 1, order)[1:2, ] - 1))
}

# Float32: what is computed is that of rounded numbers, and functions follow the options.
rkeops_use_float32()
x <- x[, , 1, 1]
rounded <- F(list(0.3, x, y, b))
stopifnot(max(abs(rounded - gauss(0.3, x, y, b))) > 1e-12)
close_to(rounded, gauss(0.3, x, y, b), 1e-6)
close_to(F(list(0.3, t(x), t(y), t(b)), "row"), gauss(0.3, x, y, b), 1e-6)
close_to(F(list(p, x, y, b))[, , 2], gauss(p[2], x, y, b), 1e-6)
close_to(argmin(sqdist(Vi(x), Vj(y)), "j"), apply(squared_distances(x, y), 1, which.min) - 1)
rkeops_use_float64()
close_to(F(list(0.3, x, y, b)), gauss(0.3, x, y, b))

# NaN, infinities and results of nothing are what docs/reductions.md says.
F <- keops_kernel("Sum_Reduction(x + y, 1)", c("x=Vi(1)", "y=Vj(1)"))
close_to(F(list(c(0, NaN, Inf), c(0, 1))), c(1, NaN, Inf), 0)
close_to(F(list(NaN, numeric())), matrix(0), 0)
F <- keops_kernel("Min_ArgMin_Reduction(Square(x - y), 1)", c("x=Vi(1)", "y=Vj(1)"))
found <- F(list(0:2, c(0, NaN, 1)))
close_to(found$value, c(0, 0, 1), 0)
stopifnot(identical(drop(found$number), c(0L, 2L, 2L)))
found <- F(list(0:2, numeric()))
close_to(found$value, rep(Inf, 3), 0)
stopifnot(identical(drop(found$number), rep(-1L, 3)))

# Rows may be counted from 1, where NA is no row.
set_rkeops_options(numbers_from = 1)
stopifnot(identical(drop(F(list(0:2, c(0, NaN, 1)))$number), c(1L, 3L, 3L)), identical(drop(F(list(0:2, numeric()))$number), rep(NA_integer_, 3)))
set_rkeops_options()
stopifnot(identical(drop(F(list(0:2, c(0, NaN, 1)))$number), c(0L, 2L, 2L)))

# Matrices are not copied, also where R shares their memory: a call takes less than a tenth of theirs.
F <- keops_kernel("Sum_Reduction(x, 0)", "x=Vi(3)")
large <- matrix(1, 1e6, 3)
shared <- large
dim(shared) <- c(1e6, 3)
for (x in list(large, shared)) {
  held <- gc(reset = TRUE)["Vcells", "used"]
  close_to(F(list(x)), matrix(1e6, 1, 3), 0)
  stopifnot(gc()["Vcells", "max used"] - held < length(x) / 10)
}

# A collection of garbage at each allocation of a call.
numbers <- keops_kernel("Min_ArgMin_Reduction(Square(x - y), 1)", c("x=Vi(1)", "y=Vj(1)"))
complex <- keops_kernel("Sum_Reduction(z * x, 1)", c("z=Vj(1, dtype=c128)", "x=Vi(1)"))
arrays <- list(0:2, c(0, NaN, 1))
torture <- function(f, arrays) {
  gctorture(TRUE)
  on.exit(gctorture(FALSE))
  f(arrays)
}
for (precision in c("float64", "float32")) {
  set_rkeops_options(precision = precision)
  found <- numbers(arrays)
  sums <- complex(list(c(1i, 2), 1:3))
  stopifnot(identical(drop(found$number), c(0L, 2L, 2L)), identical(drop(sums), 1:3 * (2 + 1i)))
  for (k in 1:5) {
    stopifnot(identical(torture(numbers, arrays), found), identical(torture(complex, list(c(1i, 2), 1:3)), sums))
  }
  refused("keopsc_shape", "expected M x 1", torture(numbers, list(matrix(1:4, 2), 1)))
}
set_rkeops_options()
