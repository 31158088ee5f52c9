# Every reduction of LazyTensors over i and over j.
source("helpers/helpers.R")
set.seed(5)
x <- matrix(rnorm(15), 5); y <- matrix(rnorm(21), 7)
x_i <- Vi(x); y_j <- Vj(y)
S <- x_i | y_j
products <- x %*% t(y)

for (index in c("i", "j")) {
  margin <- if (index == "j") 1 else 2
  of_each <- function(f) apply(products, margin, f)
  numbers <- function(f) as.integer(of_each(f)) - 1L
  for (sum. in list(sum(S, index), sum(S, index = index), sum_reduction(S, index), reduction.LazyTensor(S, "Sum", index))) {
    close_to(sum., of_each(sum))
  }
  close_to(min(S, index), of_each(min))
  close_to(min_reduction(S, index), of_each(min))
  close_to(max(S, index = index), of_each(max))
  close_to(max_reduction(S, index), of_each(max))
  close_to(mean(S, index), of_each(mean))
  close_to(prod(S, index), of_each(prod))
  close_to(any(S > 2, index), of_each(function(v) any(v > 2)))
  close_to(all(S > -1, index), of_each(function(v) all(v > -1)))
  stopifnot(identical(drop(argmin(S, index)), numbers(which.min)), identical(drop(argmax(S, index)), numbers(which.max)))
  stopifnot(identical(argmin_reduction(S, index), argmin(S, index)), identical(argmax_reduction(S, index), argmax(S, index)))
  for (both in list(min_argmin(S, index), min_argmin_reduction(S, index))) {
    close_to(both$value, of_each(min))
    close_to(both$number, of_each(which.min) - 1)
  }
  for (both in list(max_argmax(S, index), max_argmax_reduction(S, index))) {
    close_to(both$value, of_each(max))
    close_to(both$number, of_each(which.max) - 1)
  }
  smallest <- t(of_each(function(v) sort(v)[1:3]))
  places <- t(of_each(function(v) order(v)[1:3] - 1))
  close_to(Kmin(S, 3, index), smallest)
  close_to(Kmin_reduction(S, 3, index), smallest)
  close_to(argKmin(S, 3, index), places)
  close_to(argKmin_reduction(S, 3, index), places)
  for (both in list(Kmin_argKmin(S, 3, index), Kmin_argKmin_reduction(S, 3, index))) {
    close_to(both$value, smallest)
    close_to(both$number, places)
  }
  close_to(logsumexp(S, index), of_each(function(v) log(sum(exp(v)))))
  close_to(logsumexp_reduction(S, index), of_each(function(v) log(sum(exp(v)))))
}

w <- matrix(runif(14), 7)
close_to(logsumexp(S, "j", Vj(w)), log(exp(products) %*% w))
close_to(reduction.LazyTensor(S, "LogSumExpWeight", "j", Vj(w)), log(exp(products) %*% w))
softmax <- exp(products) / rowSums(exp(products))
close_to(sumsoftmaxweight(S, "j", Vj(w)), softmax %*% w)
close_to(sumsoftmaxweight(S, Vj(w), "j"), softmax %*% w)
close_to(sumsoftmaxweight_reduction(S, "j", Vj(w)), softmax %*% w)
close_to(sumsoftmaxweight(S, "j", y_j - x_i), dense(function(x, y) c(exp(sum(x * y)), exp(sum(x * y)) * (y - x)), x, y, function(m) colSums(m)[-1] / sum(m[, 1])))

# What depends on one index, or on none.
close_to(sum(x_i, "i"), t(colSums(x)))
close_to(sum(x_i + 0 * y_j, "j"), 7 * x)
refused("keopsc_shape", "no array has a row for each j: expected one", sum(x_i, "j"))
refused("keopsc_shape", "no array has a row for each i or j: expected one", sum(Pm(1:3 / 2), "i"))

# Lists of rows, and the largest of 100.
lists <- Kmin_argKmin(x_i - y_j, 2, "j")
stopifnot(identical(dim(lists$value), c(5L, 2L, 3L)))
close_to(lists$value[, , 3], t(apply(outer(x[, 3], y[, 3], "-"), 1, sort)[1:2, ]))
refused("keopsc_formula", "1024", Kmin(S, 1025, "j"))

# Only the formula.
set_rkeops_options(formula_only = TRUE)
stopifnot(identical(sum(S, "j"), "v0 = Vi(3)\nv1 = Vj(3)\nout result = Sum[j]((v0 | v1))"))
set_rkeops_options()
