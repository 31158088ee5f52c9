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

# Microseconds of a call, the least mean of many short rounds, which others on the machine do not disturb. Calls stand in a function, which R compiles
# to bytecode as it does those of programs.
timed <- function(call, calls) {
  run <- compiler::cmpfun(eval(bquote(function() for (k in seq_len(calls)) .(call))))
  rounds <- replicate(200, {
    begin <- Sys.time()
    run()
    as.numeric(Sys.time() - begin, units = "secs")
  })
  min(rounds) / calls * 1e6
}
rows <- list(
  "F(list(x, y, b, s))" = quote(F(list(x, y, b, s))),
  "the glue alone" = quote(.Call(glue, kernel$handle, list(x, y, b, s), FALSE)),
  "a function that does nothing" = quote(nothing(list(x, y, b, s)))
)
for (name in names(rows)) {
  cat(sprintf("%-40s %6.1f us\n", name, timed(rows[[name]], 500)))
}
cat(sprintf("%-40s %6.1f us\n", "K %*% b", timed(quote(K %*% b), 20)))
cat(sprintf("%-40s %6.1f us\n", "exp(-sqdist(Vi(x), Vj(y)) / s^2) %*% b", timed(quote(exp(-sqdist(Vi(x), Vj(y)) / s^2) %*% b), 20)))
