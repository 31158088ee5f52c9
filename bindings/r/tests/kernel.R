# keops_kernel: formulas, declarations, orders of arguments, reductions.
source("helpers/helpers.R")
set.seed(1)
x <- matrix(rnorm(10), 5); y <- matrix(rnorm(14), 7); b <- matrix(rnorm(7), 7)
expected <- exp(-squared_distances(x, y)) %*% b

args <- c("x=Vi(2)", "y=Vj(2)", "b=Vj(1)")
formula <- "Exp(-SqDist(x, y)) * b"
for (F in list(
  keops_kernel("Sum_Reduction(Exp(-SqDist(x, y)) * b, 1)", args),
  keops_kernel("Sum[j](Exp(-SqDist(x, y)) * b)", c("x = Vx( 2 )", "y  =  Vy(2)", "b=Vj(1)")),
  keops_kernel(" Sum_Reduction ( Exp(-SqDist(x, y)) * b , 1 ) ", as.list(args)),
  keops_kernel("Sum_Reduction(Exp(-SqDist(x, y)) * b, 1)", args, sum_scheme = "kahan_scheme"),
  keops_kernel("Sum_Reduction(Exp(-SqDist(x, y)) * b, 1)", args, "direct_sum")
)) {
  close_to(F(list(x, y, b)), expected)
  close_to(F(list(b = b, x = x, y = y)), expected)
  close_to(F(list(t(x), t(y), t(b)), inner_dim = "row"), expected)
}

# Over i; places of arguments; arguments that the formula does not mention, which may tell the number of rows.
F <- keops_kernel("Sum_Reduction(Exp(-SqDist(x, y)), 0)", args[1:2])
close_to(F(list(x, y)), colSums(exp(-squared_distances(x, y))))
F <- keops_kernel("Sum_Reduction(Exp(-SqDist(x, y)) * b, 1)", c("x=Vi(2,2)", "y=Vj(0,2)", "b=Vj(1,1)"))
close_to(F(list(y, b, x)), expected)
F <- keops_kernel("Sum_Reduction(b, 1)", c("x=Vi(2)", "unused=Pm(3)", "b=Vj(1)"))
close_to(F(list(x, 1:3, b)), rep(sum(b), 5))
F <- keops_kernel("Sum_Reduction(b, 1)", "b=Vj(1)")
close_to(F(list(b)), matrix(sum(b)))

# Kernels that KeOps 1 had ready-made.
F <- keops_kernel("Sum_Reduction(GaussKernel(c, x, y, b), 1)", c("c=Pm(1)", args))
close_to(F(list(0.7, x, y, b)), exp(-0.7 * squared_distances(x, y)) %*% b)

# Nested reductions, products of reductions, weights, numbers of K.
F <- keops_kernel("Sum_Reduction(x * Sum_Reduction(b * (x | y), 1), 0)", args)
close_to(F(list(x, y, b)), colSums(x * drop((x %*% t(y)) %*% b)) |> t())
F <- keops_kernel("LogSumExp_Reduction((x | y), b, 1)", args)
close_to(F(list(x, y, abs(b))), log(exp(x %*% t(y)) %*% abs(b)))
F <- keops_kernel("LogSumExpWeight_Reduction((x | y), b, 1)", args)
close_to(F(list(x, y, abs(b))), log(exp(x %*% t(y)) %*% abs(b)))
F <- keops_kernel("ArgKMin_Reduction(SqDist(x, y), 3, 1)", args[1:2])
close_to(F(list(x, y)), t(apply(squared_distances(x, y), 1, order)[1:3, ] - 1))

# Two results, and lists of rows.
found <- keops_kernel("Min_ArgMin_Reduction(SqDist(x, y), 1)", args[1:2])(list(x, y))
close_to(found$value, apply(squared_distances(x, y), 1, min), 1e-12)
stopifnot(is.integer(found$number), identical(drop(found$number), apply(squared_distances(x, y), 1, which.min) - 1L))
found <- keops_kernel("KMax_ArgKMax[j, K=2](x * y)", args[1:2])(list(x, y))
stopifnot(identical(dim(found$value), c(5L, 2L, 2L)), identical(dim(found$number), c(5L, 2L, 2L)))
for (d in 1:2) {
  products <- outer(x[, d], y[, d])
  close_to(found$value[, , d], t(apply(products, 1, sort, decreasing = TRUE)[1:2, ]))
  close_to(found$number[, , d], t(apply(-products, 1, order)[1:2, ] - 1))
}

# Parameters are vectors, rows or columns; integers and truth values are numbers; data frames are matrices where a list has them.
F <- keops_kernel("Sum_Reduction((p | x - y), 1)", c("p=Pm(2)", "x=Vi(2)", "y=Vj(2)"))
expected <- 7 * x %*% c(1, 2) - sum(y %*% c(1, 2))
for (p in list(1:2, c(1, 2), matrix(1:2, 1), matrix(1:2, 2))) {
  close_to(F(list(p, x, y)), expected)
}
close_to(F(list(c(TRUE, FALSE), x, y)), 7 * x[, 1] - sum(y[, 1]))
integers <- matrix(1:10, 5)
close_to(F(list(1:2, integers, y)), F(list(1:2, integers + 0, y)), 0)
F <- keops_kernel("Sum_Reduction(x * y, 1)", c("x=Vi(1)", "y=Vj(1)"))
close_to(F(list(1:3, c(1, 2))), 3 * 1:3)

# The context, as in RKeOps; and what is printed.
context <- F()
stopifnot(identical(context$formula, "Sum_Reduction(x * y, 1)"), identical(context$args, c("x = Vi(1)", "y = Vj(1)")))
stopifnot(any(grepl("Sum_Reduction(x * y, 1)", capture.output(print(F)), fixed = TRUE)))

# Many functions at once, and results that do not change later.
kept <- lapply(1:20, function(k) keops_kernel(sprintf("Sum_Reduction(%d * x * y, 1)", k %% 4), c("x=Vi(1)", "y=Vj(1)")))
first <- kept[[1]](list(1:3, 1:2))
for (k in 1:20) {
  close_to(kept[[k]](list(1:3, 1:2)), (k %% 4) * 3 * 1:3)
}
close_to(first, 3 * 1:3)
