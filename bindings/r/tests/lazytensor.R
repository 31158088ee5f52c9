# Every operator and function of LazyTensors, held against the same in plain R on all pairs.
source("helpers/helpers.R")
set.seed(4)
x <- matrix(rnorm(15), 5); y <- matrix(rnorm(21), 7)
positive <- matrix(runif(15, 0.1, 0.9), 5); parts <- matrix(runif(21, 0.1, 0.9), 7)

# f and its plain form on rows of x and y, summed over j and over i.
holds <- function(f, plain = f, x. = x, y. = y, tolerance = 1e-12) {
  x_i <- Vi(x.)
  y_j <- Vj(y.)
  found <- f(x_i, y_j)
  stopifnot(is.LazyTensor(found))
  all_pairs <- found + 0 * sum(x_i * y_j) # also where f looks at one of both
  close_to(sum(all_pairs, "j"), dense(plain, x., y.), tolerance)
  close_to(sum(all_pairs, "i"), dense(function(y, x) plain(x, y), y., x.), tolerance)
  stopifnot(found$dimres == length(plain(x.[1, ], y.[1, ])))
}

holds(function(x, y) x + y)
holds(function(x, y) x - y)
holds(function(x, y) x * y)
holds(function(x, y) x / y)
holds(function(x, y) -x + +y)
holds(function(x, y) 2 * x - y / 3 + 0.5)
holds(function(x, y) (1:3) * x - y * c(0.5, -1, 2))
holds(function(x, y) (1 - x) / (-2 - y^2))
holds(function(x, y) (x - y)^2)
holds(function(x, y) (x - y)^3 + y^-1)
holds(function(x, y) (x * y)^0.5, x. = positive, y. = parts)
holds(function(x, y) (x * y)^-0.5, x. = positive, y. = parts)
holds(function(x, y) x^y, x. = positive)
holds(function(x, y) x^1.7 + 2^y, x. = positive)
holds(function(x, y) x | y, function(x, y) sum(x * y))
holds(function(x, y) x %% (y * y + 1))
holds(function(x, y) x %/% (y * y + 1))
for (compare in list(`<`, `<=`, `>`, `>=`, `==`, `!=`)) {
  holds(function(x, y) compare(round(x, 0), round(y, 0)), function(x, y) as.numeric(compare(round(x), round(y))))
}
holds(function(x, y) !(x < y), function(x, y) as.numeric(!(x < y)))

for (f in list(abs, sign, floor, ceiling, trunc, exp, expm1, cos, sin, tan, atan, cosh, sinh, tanh, asinh)) {
  holds(function(x, y) f(x - y))
}
for (f in list(sqrt, log, log1p, log2, log10, acos, asin, atanh, lgamma, digamma, trigamma)) {
  holds(function(x, y) f(x * y), x. = positive, y. = parts)
}
holds(function(x, y) log(x * y, 3) + log(x, base = 2), x. = positive, y. = parts)
holds(function(x, y) acosh(1 + x * y), x. = positive, y. = parts)
holds(function(x, y) round(x - y, 1) + round(x))

holds(function(x, y) square(x - y))
holds(function(x, y) inv(x - y))
holds(function(x, y) rsqrt(x * y), x. = positive, y. = parts)
holds(function(x, y) xlogx(x * y), x. = positive, y. = parts)
holds(function(x, y) sinxdivx(x - y))
holds(function(x, y) relu(x - y))
holds(function(x, y) step(x - y), function(x, y) as.numeric(x >= y))
holds(function(x, y) clamp(x - y, -0.5, y), function(x, y) pmin(pmax(x - y, -0.5), y), y. = parts)
holds(function(x, y) clampint(x - y, -1, 1), function(x, y) pmin(pmax(x - y, -1), 1))
holds(function(x, y) mod(x - y, 2), function(x, y) (x - y) %% 2)
holds(function(x, y) mod(x, 2, y), function(x, y) x - 2 * floor((x - y) / 2))
holds(function(x, y) ifelse(x - y, x, 0.5), function(x, y) base::ifelse(x >= y, x, 0.5))
holds(function(x, y) atan2(x, y))
holds(function(x, y) atan2(1.5, y) + atan2(x, 2))

holds(function(x, y) sum(x * y))
holds(function(x, y) min(x - y))
holds(function(x, y) max(x - y))
holds(function(x, y) argmin(x - y), function(x, y) which.min(x - y) - 1)
holds(function(x, y) argmax(x - y), function(x, y) which.max(x - y) - 1)
holds(function(x, y) sqnorm2(x - y), function(x, y) sum((x - y)^2))
holds(function(x, y) norm2(x - y), function(x, y) sqrt(sum((x - y)^2)))
holds(function(x, y) normalize(x - y), function(x, y) (x - y) / sqrt(sum((x - y)^2)))
holds(function(x, y) sqdist(x, y), function(x, y) sum((x - y)^2))
holds(function(x, y) weightedsqnorm(x - y, 0.3), function(x, y) 0.3 * sum((x - y)^2))
holds(function(x, y) weightedsqnorm(x - y, c(0.3, 2, 1)), function(x, y) sum(c(0.3, 2, 1) * (x - y)^2))
A <- crossprod(matrix(rnorm(9), 3))
holds(function(x, y) weightedsqdist(x, y, Pm(as.vector(A))), function(x, y) drop((x - y) %*% A %*% (x - y)))
B <- matrix(rnorm(6), 2, 3)
holds(function(x, y) matvecmult(Pm(as.vector(t(B))), x - y), function(x, y) drop(B %*% (x - y)))
holds(function(x, y) vecmatmult(x - y, Pm(as.vector(B))), function(x, y) drop(B %*% (x - y)))
holds(function(x, y) tensorprod(x, y), function(x, y) as.vector(outer(y, x)))
holds(function(x, y) elem(x - y, 2), function(x, y) (x - y)[3])
holds(function(x, y) elemT(sum(x * y), 1, 4), function(x, y) c(0, sum(x * y), 0, 0))
holds(function(x, y) extract(x - y, 1, 2), function(x, y) (x - y)[2:3])
holds(function(x, y) extractT(x - y, 1, 5), function(x, y) c(0, x - y, 0))
holds(function(x, y) concat(x, concat(y, 0.5)), function(x, y) c(x, y, 0.5))
holds(function(x, y) one_hot(argmax(x - y), 3), function(x, y) as.numeric(1:3 == which.max(x - y)))
holds(function(x, y) unaryop.LazyTensor(x - y, "Erf"), function(x, y) 2 * pnorm((x - y) * sqrt(2)) - 1)
holds(function(x, y) unaryop.LazyTensor(x, "Pow", 3) + y, function(x, y) x^3 + y)
holds(function(x, y) unaryop.LazyTensor(x, "Extract", 1, 2, dim_res = 2), function(x, y) x[2:3])
holds(function(x, y) binaryop.LazyTensor(x, y, "-", is_operator = TRUE), function(x, y) x - y)
holds(function(x, y) binaryop.LazyTensor(x, y, "Hypot"), function(x, y) sqrt(x^2 + y^2))
holds(function(x, y) ternaryop.LazyTensor(x - y, 0, 1, "Clamp"), function(x, y) pmin(pmax(x - y, 0), 1))

# The same functions of R's numbers are R's.
v <- c(0.2, 1.5)
stopifnot(identical(square(v), v^2), identical(inv(v), 1 / v), identical(rsqrt(4), 0.5), identical(xlogx(0), 0), identical(sinxdivx(0), 1))
stopifnot(identical(relu(c(-1, 2)), c(0, 2)), identical(ifelse(c(TRUE, FALSE), 1, 2), c(1, 2)), identical(atan2(1, 2), base::atan2(1, 2)))
model <- lm(dist ~ speed, cars)
stopifnot(inherits(step(model, trace = 0), "lm"))

# Long formulas, deep ones, and parts that are used many times.
x_i <- Vi(x); y_j <- Vj(y)
deep <- x_i - y_j
plain <- function(x, y) x - y
for (k in 1:30) {
  deep <- deep * 0.5 + cos(deep) * deep
}
repeated <- function(x, y) {
  value <- x - y
  for (k in 1:30) {
    value <- value * 0.5 + cos(value) * value
  }
  value
}
close_to(sum(deep, "j"), dense(repeated, x, y), 1e-9)

# The same formula of other arrays is compiled once.
compiled <- function() length(ls(keopsc:::kernels))
use <- function(s) sum(exp(-sqdist(Vi(x + s), Vj(y)) / (2 * s^2)), "j")
invisible(use(0.3))
before <- compiled()
close_to(use(0.7), dense(function(x, y) exp(-sum((x + 0.7 - y)^2) / (2 * 0.7^2)), x, y))
stopifnot(compiled() == before)

# Products.
K <- exp(-sqdist(x_i, y_j))
b <- matrix(rnorm(14), 7)
expected <- exp(-squared_distances(x, y)) %*% b
close_to(K %*% b, expected)
close_to(K %*% Vj(b), expected)
close_to(K %*% b[, 1], expected[, 1, drop = FALSE])
close_to(sum(K * x_i, "i"), exp(-t(squared_distances(x, y))) %*% x)

# Arrays are called what they were given as.
stopifnot(any(grepl("v0 = x + 1", capture.output(Vi(x + 1)), fixed = TRUE)), any(grepl("v0 = x$", capture.output(do.call(Vi, list(y))))))

# Predicates and fields.
stopifnot(is.LazyTensor(K), !is.LazyTensor(x), is.LazyMatrix(x_i), !is.LazyMatrix(Pm(1:3)), is.LazyVector(Pm(1:3)), !is.LazyVector(y_j))
stopifnot(is.LazyParameter(Pm(2)), !is.LazyParameter(Pm(1:2)), !is.ComplexLazyTensor(K), is.int(3), is.int(-2L), !is.int(2.5), !is.int(1:2), !is.int("a"))
stopifnot(identical(K$formula, "Exp((-SqDist(v0, v1)))"), identical(K$args, c("v0 = Vi(3)", "v1 = Vj(3)")), identical(K$vars, list(x, y)), K$dimres == 1)
stopifnot(any(grepl("1 component for each pair", capture.output(print(K)))), any(grepl("v0 = x", capture.output(print(K)))))
stopifnot(any(grepl("2 components of parameters", capture.output(print(Pm(1:2))))))
