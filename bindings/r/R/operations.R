# Operators and functions of LazyTensors -> formulas.

# ------------------------------------------------------------------------------------------------------- groups of base R

ARITHMETIC <- c(
  "+" = "(%s + %s)", "-" = "(%s - %s)", "*" = "(%s * %s)", "/" = "(%s / %s)", "%%" = "Mod(%s, %s)", "%/%" = "Floor(%s / %s)",
  "<" = "(%s < %s)", "<=" = "(%s <= %s)", ">" = "(%s > %s)", ">=" = "(%s >= %s)", "==" = "Equal(%s, %s)", "!=" = "NotEqual(%s, %s)"
)

Ops.LazyTensor <- function(e1, e2) {
  if (missing(e2)) {
    return(switch(.Generic, "+" = e1, "-" = operation("(-%s)", list(e1), e1@dimres, is_complex(e1)), "!" = unary(e1, "!", "Not(%s)")))
  }
  place <- sprintf("`%s`", .Generic)
  operands <- list(as_lazy(e1, paste("the left side of", place)), as_lazy(e2, paste("the right side of", place)))
  if (.Generic == "^") {
    return(power(operands, e2))
  }
  if (.Generic == "|") {
    require_real(operands, place)
    common_dim(operands, place)
    return(operation("(%s | %s)", operands, 1L))
  }
  if (!.Generic %in% names(ARITHMETIC)) {
    refuse("arguments", "%s is not defined for LazyTensors", place)
  }
  if (!.Generic %in% c("+", "-", "*", "/")) {
    require_real(operands, place)
  }
  operation(ARITHMETIC[[.Generic]], operands, common_dim(operands, place), any(vapply(operands, is_complex, NA)))
}

power <- function(operands, exponent) {
  base <- operands[[1]]
  if (is.numeric(exponent) && length(exponent) == 1L && exponent == 0.5) {
    return(operation("Sqrt(%s)", list(base), base@dimres, is_complex(base)))
  }
  if (is.numeric(exponent) && length(exponent) == 1L && exponent == -0.5 && !is_complex(base)) {
    return(operation("Rsqrt(%s)", list(base), base@dimres))
  }
  operation("(%s ** %s)", operands, common_dim(operands, "`^`"), any(vapply(operands, is_complex, NA)))
}

# By R's names: how formulas write functions of one argument, component by component.
OF_REAL <- c(
  abs = "Abs(%s)", sign = "Sign(%s)", sqrt = "Sqrt(%s)", floor = "Floor(%s)", ceiling = "Ceil(%s)", trunc = "Trunc(%s)",
  exp = "Exp(%s)", expm1 = "Expm1(%s)", log1p = "Log1p(%s)", log2 = "Log2(%s)", log10 = "Log10(%s)",
  cos = "Cos(%s)", sin = "Sin(%s)", tan = "Tan(%s)", acos = "Acos(%s)", asin = "Asin(%s)", atan = "Atan(%s)",
  cosh = "Cosh(%s)", sinh = "Sinh(%s)", tanh = "Tanh(%s)", acosh = "Acosh(%s)", asinh = "Asinh(%s)", atanh = "Atanh(%s)",
  lgamma = "LGamma(%s)", digamma = "Digamma(%s)", trigamma = "Polygamma(%s, 1)"
)

# Those that complex numbers have, too; results are complex.
OF_COMPLEX <- c("exp", "log", "sqrt", "sin", "cos")

Math.LazyTensor <- function(x, ...) {
  if (.Generic == "round") {
    return(rounded(x, ...))
  }
  if (.Generic == "log") {
    return(logarithm(x, ...))
  }
  if (.Generic == "abs" && is_complex(x)) {
    return(operation("Abs(%s)", list(x), x@dimres))
  }
  if (!.Generic %in% names(OF_REAL)) {
    refuse("arguments", "%s is not defined for LazyTensors", .Generic)
  }
  if (!.Generic %in% OF_COMPLEX) {
    require_real(list(x), .Generic)
  }
  operation(OF_REAL[[.Generic]], list(x), x@dimres, is_complex(x))
}

logarithm <- function(x, base = exp(1)) {
  natural <- operation("Log(%s)", list(x), x@dimres, is_complex(x))
  if (identical(base, exp(1))) natural else natural / log(base)
}

rounded <- function(x, digits = 0) {
  if (!is.int(digits)) {
    refuse("arguments", "round: digits is %s: expected an integer", described(digits))
  }
  require_real(list(x), "round")
  operation(sprintf("Round(%%s, %d)", as.integer(digits)), list(x), x@dimres)
}

Complex.LazyTensor <- function(z) {
  if (!is_complex(z)) {
    refuse("class", "%s is for complex LazyTensors, and this one is real: real2complex(...) makes it complex", .Generic)
  }
  switch(.Generic,
    Re = operation("ComplexReal(%s)", list(z), z@dimres),
    Im = operation("ComplexImag(%s)", list(z), z@dimres),
    Mod = operation("Abs(%s)", list(z), z@dimres),
    Arg = operation("ComplexAngle(%s)", list(z), z@dimres),
    Conj = operation("Conj(%s)", list(z), z@dimres, TRUE)
  )
}

# --------------------------------------------------------------------------------------------------- component by component

# A function of one argument. Where that is no LazyTensor, `plain` is the function of R's numbers.
unary <- function(x, name, format, plain = NULL, of_complex = FALSE) {
  if (!inherits(x, "LazyTensor")) {
    if (!is.null(plain) && (is.numeric(x) || is.logical(x) || is.complex(x))) {
      return(plain(x))
    }
    x <- as_lazy(x, sprintf("x of %s", name))
  }
  if (!of_complex) {
    require_real(list(x), name)
  }
  operation(format, list(x), x@dimres, is_complex(x))
}

square <- function(x) unary(x, "square", "Square(%s)", function(x) x^2, of_complex = TRUE)

inv <- function(x) unary(x, "inv", "Inv(%s)", function(x) 1 / x, of_complex = TRUE)

rsqrt <- function(x) unary(x, "rsqrt", "Rsqrt(%s)", function(x) 1 / sqrt(x))

xlogx <- function(x) unary(x, "xlogx", "XLogX(%s)", function(x) base::ifelse(x == 0, 0, x * log(x)))

sinxdivx <- function(x) unary(x, "sinxdivx", "SinXDivX(%s)", function(x) base::ifelse(x == 0, 1, sin(x) / x))

relu <- function(x) unary(x, "relu", "ReLU(%s)", function(x) base::ifelse(x > 0, x, 0 * x))

setGeneric("step")

setMethod("step", "LazyTensor", function(object, scope, scale, direction, trace, keep, steps, k, ...) unary(object, "step", "Step(%s)"))

setGeneric("ifelse", signature = c("test", "yes", "no"))

setMethod("ifelse", "LazyTensor", function(test, yes, no) {
  operands <- list(test, as_lazy(yes, "yes of ifelse"), as_lazy(no, "no of ifelse"))
  require_real(operands[1], "the condition of ifelse")
  operation("IfElse(%s, %s, %s)", operands, common_dim(operands, "ifelse"), any(vapply(operands, is_complex, NA)))
})

setGeneric("atan2", signature = c("y", "x"))

angle <- function(y, x) common_real("atan2", "Atan2(%s, %s)", y = y, x = x)

for (sides in list(c("LazyTensor", "ANY"), c("ANY", "LazyTensor"), c("LazyTensor", "LazyTensor"))) {
  setMethod("atan2", sides, angle)
}

# A function of real arguments that have equally many components, or 1. The result has as many, or `dim`.
common_real <- function(name, format, ..., dim = NULL) {
  operands <- lazily(name, ...)
  common <- common_dim(operands, name)
  operation(format, operands, if (is.null(dim)) common else dim)
}

# The arguments of a function as real LazyTensors.
lazily <- function(name, ..., real = TRUE) {
  given <- list(...)
  operands <- .mapply(function(x, place) as_lazy(x, sprintf("%s of %s", place, name)), list(given, names(given)), NULL)
  if (real) {
    require_real(operands, name)
  }
  operands
}

clamp <- function(x, a, b) common_real("clamp", "Clamp(%s, %s, %s)", x = x, a = a, b = b)

clampint <- function(x, a, b) {
  operation(sprintf("ClampInt(%%s, %d, %d)", integer_of("a of clampint", a), integer_of("b of clampint", b)),
    own <- lazily("clampint", x = x), own[[1]]@dimres)
}

mod <- function(x, a, b = 0) common_real("mod", "Mod(%s, %s, %s)", x = x, a = a, b = b)

# ------------------------------------------------------------------------------------------------------------ whole vectors

sqnorm2 <- function(x) common_real("sqnorm2", "SqNorm2(%s)", x = x, dim = 1L)

norm2 <- function(x) common_real("norm2", "Norm2(%s)", x = x, dim = 1L)

normalize <- function(x) common_real("normalize", "Normalize(%s)", x = x)

sqdist <- function(x, y) common_real("sqdist", "SqDist(%s, %s)", x = x, y = y, dim = 1L)

weightedsqnorm <- function(x, s) {
  operands <- lazily("weightedsqnorm", s = s, x = x)
  require_weights("weightedsqnorm", operands[[1]], operands[[2]]@dimres)
  operation("WeightedSqNorm(%s, %s)", operands, 1L)
}

weightedsqdist <- function(x, y, s) {
  operands <- lazily("weightedsqdist", s = s, x = x, y = y)
  require_weights("weightedsqdist", operands[[1]], common_dim(operands[-1], "weightedsqdist"))
  operation("WeightedSqDist(%s, %s, %s)", operands, 1L)
}

require_weights <- function(name, s, dim) {
  if (!s@dimres %in% c(1L, dim, dim^2)) {
    refuse("shape", "%s: s has %d components: expected 1, %d or %d for vectors of %d", name, s@dimres, dim, dim^2, dim)
  }
}

matvecmult <- function(m, v) {
  operands <- lazily("matvecmult", m = m, v = v)
  operation("MatVecMult(%s, %s)", operands, quotient("matvecmult", operands[[1]]@dimres, operands[[2]]@dimres))
}

vecmatmult <- function(v, m) {
  operands <- lazily("vecmatmult", v = v, m = m)
  operation("VecMatMult(%s, %s)", operands, quotient("vecmatmult", operands[[2]]@dimres, operands[[1]]@dimres))
}

quotient <- function(name, matrix, vector) {
  if (matrix %% vector != 0L) {
    refuse("shape", "%s: a matrix m of %d components does not go with a vector v of %d: expected a multiple", name, matrix, vector)
  }
  matrix %/% vector
}

tensorprod <- function(x, y) {
  operands <- lazily("tensorprod", x = x, y = y)
  operation("TensorProd(%s, %s)", operands, operands[[1]]@dimres * operands[[2]]@dimres)
}

# ------------------------------------------------------------------------------------------- parts of vectors, counted from 0

elem <- function(x, m) {
  x <- as_lazy(x, "x of elem")
  m <- integer_of("m of elem", m, 0, x@dimres - 1)
  operation(sprintf("%%s[%d]", m), list(x), 1L, is_complex(x))
}

elemT <- function(x, m, n) {
  n <- integer_of("n of elemT", n, 1)
  m <- integer_of("m of elemT", m, 0, n - 1)
  operands <- lazily("elemT", x = x)
  require_dim("elemT", operands[[1]], 1L)
  operation(sprintf("ElemT(%%s, %d, %d)", n, m), operands, n)
}

extract <- function(x, m, d) {
  x <- as_lazy(x, "x of extract")
  m <- integer_of("m of extract", m, 0, x@dimres - 1)
  d <- integer_of("d of extract", d, 1, x@dimres - m)
  operation(sprintf("%%s[%d:%d]", m, m + d), list(x), d, is_complex(x))
}

extractT <- function(x, m, d) {
  operands <- lazily("extractT", x = x)
  m <- integer_of("m of extractT", m, 0)
  d <- integer_of("d of extractT", d, m + operands[[1]]@dimres)
  operation(sprintf("ExtractT(%%s, %d, %d)", m, d), operands, d)
}

concat <- function(x, y) {
  operands <- lazily("concat", x = x, y = y)
  operation("Concat(%s, %s)", operands, operands[[1]]@dimres + operands[[2]]@dimres)
}

one_hot <- function(x, D) {
  operands <- lazily("one_hot", x = x)
  require_dim("one_hot", operands[[1]], 1L)
  D <- integer_of("D of one_hot", D, 1)
  operation(sprintf("OneHot(%%s, %d)", D), operands, D)
}

integer_of <- function(place, value, least = -.Machine$integer.max, most = .Machine$integer.max) {
  if (!is.int(value) || value < least || value > most) {
    bounds <- if (most < .Machine$integer.max) sprintf(" from %d to %d", least, most) else if (least >= 0) sprintf(" from %d on", least) else ""
    refuse("arguments", "%s is %s: expected an integer%s", place, described(value), bounds)
  }
  as.integer(value)
}

require_dim <- function(name, x, dim) {
  if (x@dimres != dim) {
    refuse("shape", "%s: x has %d components: expected %d", name, x@dimres, dim)
  }
}

# ------------------------------------------------------------------------------------------------------------ complex numbers

real2complex <- function(x) to_complex(x, "real2complex", "Real2Complex(%s)")

imag2complex <- function(x) to_complex(x, "imag2complex", "Imag2Complex(%s)")

exp1j <- function(x) to_complex(x, "exp1j", "ComplexExp1j(%s)")

to_complex <- function(x, name, format) {
  operands <- lazily(name, x = x)
  operation(format, operands, operands[[1]]@dimres, TRUE)
}

# ------------------------------------------------------------------------------------------- operations by keopsc's own names

unaryop.LazyTensor <- function(x, opstr, opt_arg = NA, opt_arg2 = NA, res_type = NA, dim_res = NA) {
  x <- as_lazy(x, "x of unaryop.LazyTensor")
  numbers <- Filter(Negate(is.na), list(opt_arg, opt_arg2))
  format <- paste0(operation_name(opstr), "(%s", paste(sprintf(", %s", numbers), collapse = ""), ")")
  named_operation(format, list(x), res_type, if (is.na(dim_res)) x@dimres else dim_res)
}

binaryop.LazyTensor <- function(x, y, opstr, is_operator = FALSE, dim_check_type = "sameor1", res_type = NA, dim_res = NA) {
  operands <- lazily("binaryop.LazyTensor", x = x, y = y, real = FALSE)
  if (identical(dim_check_type, "same") && operands[[1]]@dimres != operands[[2]]@dimres) {
    refuse("shape", "%s: x has %d components, and y has %d: expected equally many", opstr, operands[[1]]@dimres, operands[[2]]@dimres)
  }
  most <- if (is.na(dim_check_type)) max(operands[[1]]@dimres, operands[[2]]@dimres) else common_dim(operands, opstr)
  format <- if (is_operator) sprintf("(%%s %s %%s)", operator_name(opstr)) else paste0(operation_name(opstr), "(%s, %s)")
  named_operation(format, operands, res_type, if (is.na(dim_res)) most else dim_res)
}

ternaryop.LazyTensor <- function(x, y, z, opstr, dim_check_type = "sameor1", dim_res = NA) {
  operands <- lazily("ternaryop.LazyTensor", x = x, y = y, z = z, real = FALSE)
  dims <- vapply(operands, function(own) own@dimres, 0L)
  most <- if (is.na(dim_check_type)) max(dims) else common_dim(operands, opstr)
  named_operation(paste0(operation_name(opstr), "(%s, %s, %s)"), operands, NA, if (is.na(dim_res)) most else dim_res)
}

named_operation <- function(format, operands, res_type, dim) {
  complex <- if (is.na(res_type)) any(vapply(operands, is_complex, NA)) else identical(res_type, "ComplexLazyTensor")
  operation(format, operands, integer_of("dim_res", dim, 1), complex)
}

operation_name <- function(opstr) {
  if (!is_text(opstr) || !grepl("^[A-Za-z]\\w*$", opstr)) {
    refuse("arguments", "opstr is %s: expected the name of an operation, such as \"Exp\"", described(opstr))
  }
  opstr
}

operator_name <- function(opstr) {
  if (!is_text(opstr) || !opstr %in% c("+", "-", "*", "/", "|", "<", "<=", ">", ">=", "**", "^")) {
    refuse("arguments", "opstr is %s: expected an operator, such as \"+\"", described(opstr))
  }
  opstr
}
