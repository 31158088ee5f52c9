# keops_grad and grad against differences.
source("helpers/helpers.R")
set.seed(2)
x <- matrix(rnorm(10), 5); y <- matrix(rnorm(14), 7); b <- matrix(rnorm(14), 7); s <- 0.7
e <- matrix(rnorm(10), 5)

differences <- function(f, x, step = 1e-6) {
  gradient <- x
  for (k in seq_along(x)) {
    more <- less <- x
    more[k] <- x[k] + step
    less[k] <- x[k] - step
    gradient[k] <- (f(more) - f(less)) / (2 * step)
  }
  gradient
}

F <- keops_kernel("Sum_Reduction(Exp(-s * SqDist(x, y)) * b, 1)", c("x=Vi(2)", "y=Vj(2)", "b=Vj(2)", "s=Pm(1)"))
close_to(keops_grad(F, "x")(list(x, y, b, s, e)), differences(function(x) sum(e * F(list(x, y, b, s))), x), 1e-7)
close_to(keops_grad(F, 1)(list(x, y, b, s, e)), differences(function(y) sum(e * F(list(x, y, b, s))), y), 1e-7)
close_to(keops_grad(F, "b")(list(x, y, b, s, e)), exp(-s * t(squared_distances(x, y))) %*% e)
close_to(keops_grad(F, 3)(list(x, y, b, s, e)), matrix(differences(function(s) sum(e * F(list(x, y, b, s))), s)), 1e-7)

# The second derivative, through a formula that has the first as text.
G <- keops_grad(F, "x")
h <- matrix(rnorm(10), 5)
close_to(keops_grad(G, "x")(list(x, y, b, s, e, h)), differences(function(x) sum(h * G(list(x, y, b, s, e))), x), 1e-6)
text <- keops_kernel("Grad(Sum_Reduction(SqNorm2(x - y), 1), x, eta)", c("x=Vi(2)", "y=Vj(2)", "eta=Vi(1)"))
close_to(text(list(x, y, matrix(1, 5))), 2 * (7 * x - matrix(colSums(y), 5, 2, byrow = TRUE)))

# Of LazyTensors: the variable, its place, or its name.
x_i <- Vi(x); y_j <- Vj(y); K <- exp(-s * sqdist(x_i, y_j))
expected <- differences(function(x) sum(e[, 1] * rowSums(exp(-s * squared_distances(x, y)))), x)
for (var in list(x_i, 1, "x")) {
  close_to(grad(K, Vi(e[, 1, drop = FALSE]), "Sum", var, "j"), expected, 1e-7)
}
close_to(grad(K, Vi(e[, 1, drop = FALSE]), "LogSumExp", y_j, "j"),
  differences(function(y) sum(e[, 1] * log(rowSums(exp(exp(-s * squared_distances(x, y)))))), y), 1e-7)
close_to(grad(K, 1, "Sum", y_j, "i"), differences(function(y) sum(exp(-s * squared_distances(x, y))), y), 1e-7)
refused("keopsc_arguments", "var is not a variable of f", grad(K, 1, "Sum", Vi(x), "j"))
refused("keopsc_arguments", "var is 7: expected a variable of f", grad(K, 1, "Sum", 7, "j"))
refused("keopsc_arguments", "var is \"z\": expected the name of a variable, one of x, y, b, s", keops_grad(F, "z"))
refused("keopsc_arguments", "operator is a function: expected", keops_grad(sum, "x"))
