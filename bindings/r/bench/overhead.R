# Microseconds of a call where there is next to nothing to compute: 10 points x, 10 points y.
# Beside it a function that does nothing, the glue without keops_kernel's function, and a formula of LazyTensors made anew each time.
# bindings/cpp/bench/overhead.cpp has the C function's. Rscript bindings/r/bench/overhead.R, with the package installed.
library(keopsc)
F <- keops_kernel("Sum_Reduction(Exp(-SqDist(x, y) / Square(s)) * b, 1)", c("x=Vi(3)", "y=Vj(3)", "b=Vj(1)", "s=Pm(1)"))
kernel <- environment(F)$kernel
glue <- keopsc:::keopsc_run
nothing <- function(input, inner_dim = "col") NULL
x <- matrix(rnorm(30), 10)
y <- matrix(rnorm(30), 10)
b <- matrix(rnorm(10))
s <- 0.5
x_i <- Vi(x)
y_j <- Vj(y)
K <- exp(-sqdist(x_i, y_j) / s^2)

# Runs a call `calls` times in a row, in a function, so that it is compiled to bytecode as in programs.
timed <- function(call, calls) {
  run <- compiler::cmpfun(eval(bquote(function() for (k in seq_len(calls)) .(call))))
  unname(min(replicate(20, system.time(run(), gcFirst = FALSE)[["elapsed"]]))) / calls * 1e6
}
rows <- list(
  "F(list(x, y, b, s))" = quote(F(list(x, y, b, s))),
  "the glue alone" = quote(.Call(glue, kernel$handle, list(x, y, b, s), FALSE)),
  "a function that does nothing" = quote(nothing(list(x, y, b, s)))
)
for (name in names(rows)) {
  cat(sprintf("%-40s %6.1f us\n", name, timed(rows[[name]], 20000)))
}
cat(sprintf("%-40s %6.1f us\n", "K %*% b", timed(quote(K %*% b), 200)))
cat(sprintf("%-40s %6.1f us\n", "exp(-sqdist(Vi(x), Vj(y)) / s^2) %*% b", timed(quote(exp(-sqdist(Vi(x), Vj(y)) / s^2) %*% b), 200)))
