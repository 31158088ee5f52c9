# Complex LazyTensors, and complex arrays of formulas.
source("helpers/helpers.R")
set.seed(6)
complex_matrix <- function(n, d) matrix(complex(real = rnorm(n * d), imaginary = rnorm(n * d)), n)
z <- complex_matrix(5, 2); w <- complex_matrix(7, 2); x <- matrix(rnorm(10), 5); y <- matrix(rnorm(14), 7)

holds <- function(f, plain = f, x = z, y = w) {
  x_i <- Vi(x)
  y_j <- Vj(y)
  found <- f(x_i, y_j)
  zero <- 0 * sum(x_i * y_j)
  all_pairs <- found + if (is.ComplexLazyTensor(zero)) Re(zero) else zero # also where f looks at one of both
  close_to(sum(all_pairs, "j"), dense(plain, x, y))
  close_to(sum(all_pairs, "i"), dense(function(y, x) plain(x, y), y, x))
  stopifnot(is.ComplexLazyTensor(found) == is.complex(plain(x[1, ], y[1, ])))
}

holds(function(z, w) z + w)
holds(function(z, w) z - w)
holds(function(z, w) z * w)
holds(function(z, w) z / w)
holds(function(z, w) -z * 2 + w / 4)
holds(function(z, w) z * (1 + 2i) - 0.3i)
holds(function(z, w) z^2 * w^-1)
holds(function(z, w) (z * w)^0.5)
holds(function(z, y) z * y + y / z, y = y)
holds(function(x, w) x * w - x / w, x = x)
for (f in list(exp, log, sqrt, sin, cos, Conj, Re, Im, Mod, Arg, abs)) {
  holds(function(z, w) f(z * w))
}
holds(function(z, w) square(z) * inv(w), function(z, w) z^2 / w)
holds(function(z, w) sum(z * w))
holds(function(z, w) elem(z, 1) * w, function(z, w) z[2] * w)
holds(function(z, w) extract(z * w, 1, 1), function(z, w) (z * w)[2])
holds(function(z, w) ifelse(Re(z), z, w), function(z, w) base::ifelse(Re(z) >= 0, z, w))

# Complex numbers of real ones, also where no array is complex.
holds(function(x, y) exp1j(x - y), function(x, y) exp(1i * (x - y)), x, y)
holds(function(x, y) real2complex(x) * imag2complex(y), function(x, y) x * y * 1i, x, y)
holds(function(x, y) Re(exp1j(x * y)), function(x, y) cos(x * y), x, y)
close_to(sum(Vi(x, is_complex = TRUE), "i"), t(colSums(x) + 0i))
close_to(mean(Vi(z) * Vj(w), "j"), z * matrix(colMeans(w), 5, 2, byrow = TRUE))
close_to(Vi(z) %*% w, sum(Vi(z) * Vj(w), "j"))

# Formulas of complex arrays; gradients; float32.
F <- keops_kernel("Sum_Reduction(z * y, 1)", c("z=Vi(2, dtype=c128)", "y=Vj(2)"))
expected <- z * matrix(colSums(y), 5, 2, byrow = TRUE)
close_to(F(list(z, y)), expected)
close_to(F(list(x, y)), x * matrix(colSums(y), 5, 2, byrow = TRUE) + 0i)
rkeops_use_float32()
close_to(F(list(z, y)), expected, 1e-6)
close_to(sum(exp1j(Vi(x)), "i"), t(colSums(exp(1i * x))), 1e-6)
rkeops_use_float64()
gradient <- grad(sqnorm2(Re(Vi(z) * Vj(w))), 1, "Sum", 0, "j")
stopifnot(is.complex(gradient))
inner <- function(z) sum(sapply(1:7, function(j) Re(z * matrix(w[j, ], 5, 2, byrow = TRUE))^2))
step <- 1e-6
close_to(Re(gradient)[1, 1], (inner(replace(z, 1, z[1] + step)) - inner(replace(z, 1, z[1] - step))) / (2 * step), 1e-7)
close_to(Im(gradient)[1, 1], (inner(replace(z, 1, z[1] + step * 1i)) - inner(replace(z, 1, z[1] - step * 1i))) / (2 * step), 1e-7)

# What is defined for real numbers only, or for complex ones only.
z_i <- Vi(z); x_i <- Vi(x)
stopifnot(is.ComplexLazyTensor(z_i), is.LazyTensor(z_i), is.ComplexLazyParameter(Pm(1i)), !is.ComplexLazyParameter(Pm(1)), !is.LazyParameter(Pm(1i)))
refused("keopsc_class", "`<` is not defined for complex numbers: Re(...)", z_i < 1)
refused("keopsc_class", "`|` is not defined for complex numbers", z_i | z_i)
refused("keopsc_class", "tanh is not defined for complex numbers", tanh(z_i))
refused("keopsc_class", "relu is not defined for complex numbers", relu(z_i))
refused("keopsc_class", "sqdist is not defined for complex numbers", sqdist(z_i, z_i))
refused("keopsc_class", "real2complex is not defined for complex numbers", real2complex(z_i))
refused("keopsc_class", "Min is not defined for complex numbers", min(z_i, "i"))
refused("keopsc_class", "ArgMax is not defined for complex numbers", argmax(z_i))
refused("keopsc_class", "Re is for complex LazyTensors, and this one is real", Re(x_i))
refused("keopsc_class", "y is complex: expected numbers; declare it with dtype=c128", F(list(z, y + 1i)))
refused("keopsc_value", "z is NA in row 2, column 1", F(list(replace(z, 2, NA), y)))
