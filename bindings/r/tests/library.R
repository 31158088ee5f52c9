# Libraries that were compiled ahead of time, of several outputs and any types.
source("helpers/helpers.R")
set.seed(8)
compiled <- function(text, ...) {
  file <- tempfile(fileext = ".kf")
  library <- tempfile(fileext = ".so")
  writeLines(text, file)
  stopifnot(system2(Sys.getenv("KEOPSC", "keopsc"), c("compile", "--target", "native", ..., "-o", library, file)) == 0)
  library
}
x <- matrix(rnorm(15), 5); y <- matrix(rnorm(21), 7); b <- matrix(rnorm(7)); e <- matrix(rnorm(5))
text <- c(
  "x = Vi(3)", "y = Vj(3)", "b = Vj(1)", "s = Pm(1)", "K = Exp(-s * SqDist(x, y))", "out conv = Sum[j](K * b)", "out conv_x = Grad(conv, x)",
  "fused both { out lists = KMin[j, K=2](x - y); out least = Min_ArgMin[j](SqDist(x, y)) }"
)
K <- exp(-0.4 * squared_distances(x, y))
gradient <- t(sapply(1:5, function(i) -0.8 * e[i] * colSums(K[i, ] * b[, 1] * (matrix(x[i, ], 7, 3, byrow = TRUE) - y))))
for (type in c("f64", "f32")) {
  tolerance <- if (type == "f64") 1e-12 else 1e-5
  path <- compiled(text, "--dtype", type)
  gauss <- keops_library(path)
  stopifnot(setequal(names(gauss), c("conv", "conv_x", "lists", "least", "both")))
  close_to(gauss$conv(list(x, y, b, 0.4)), K %*% b, tolerance)
  close_to(gauss$conv(list(b = t(b), s = 0.4, y = t(y), x = t(x)), "row"), K %*% b, tolerance)
  close_to(gauss$conv_x(list(x = x, y = y, b = b, s = 0.4, d_conv = e)), gradient, tolerance)
  both <- gauss$both(list(x, y))
  stopifnot(identical(names(both)[1], "lists"), identical(dim(both$lists), c(5L, 2L, 3L)), length(both) == 3)
  close_to(both$lists[, , 2], t(apply(outer(x[, 2], y[, 2], "-"), 1, sort)[1:2, ]), tolerance)
  close_to(both[[2]], apply(squared_distances(x, y), 1, min), tolerance)
  close_to(both[[3]], apply(squared_distances(x, y), 1, which.min) - 1)
}

# Errors name the inputs; what is no such library is refused.
refused("keopsc_shape", "d_conv is 1 x 5: expected M x 1", gauss$conv_x(list(x, y, b, 1, t(e))))
refused("keopsc_arguments", "input has no array d_conv", gauss$conv_x(list(x = x, y = y, b = b, s = 1, e = e)))
refused("keopsc_arguments", "path is NULL", keops_library(NULL))
refused("keopsc_library", "/nowhere.so", keops_library("/nowhere.so"))
refused("keopsc_library", "was not made by keopsc", keops_library(getLoadedDLLs()[["keopsc"]][["path"]]))
refused("keopsc_unsupported", "x of", keops_library(compiled(text[-(7:8)], "--dtype", "f16")))
