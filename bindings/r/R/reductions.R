# Reductions of LazyTensors: here formulas are compiled and computed.

reduction.LazyTensor <- function(x, opstr, index, opt_arg = NA) {
  if (!inherits(x, "LazyTensor")) {
    refuse("class", "x is %s: expected a LazyTensor, such as Vi(x)", described(x))
  }
  reduced <- reduction_text(x, operation_name(opstr), index, opt_arg)
  result_of(sprintf("out result = %s", reduced$text), reduced$operands)
}

# "Sum[j]({v1})", and what it is of.
reduction_text <- function(x, name, index, opt_arg) {
  if (!is_text(index) || !index %in% c("i", "j")) {
    refuse("arguments", "index is %s: expected \"j\" (a result for each i) or \"i\"", described(index))
  }
  if (is_complex(x) && !name %in% c("Sum", "Mean")) {
    require_real(list(x), name)
  }
  if (inherits(opt_arg, "LazyTensor")) {
    require_dim(name, x, 1L)
    require_real(list(opt_arg), name)
    return(list(text = reduction_call(name, index, x@formula, weight = opt_arg@formula), operands = list(x, opt_arg)))
  }
  K <- if (!(length(opt_arg) == 1L && is.na(opt_arg))) integer_of("K", opt_arg, 1)
  list(text = reduction_call(name, index, x@formula, K), operands = list(x))
}

# The result of the last of some lines.
result_of <- function(lines, operands) {
  view <- written(lines, operands)
  texts <- c(declared(view$declarations), view$text)
  if (any(vapply(operands, is_complex, NA)) && !any(vapply(view$declarations, function(own) own$is_complex, NA))) {
    texts <- c(sprintf("complex = Pm(1, dtype=%s)", if (state$options$precision == "float32") "c64" else "c128"), texts)
  }
  if (state$options$formula_only) {
    return(paste(texts, collapse = "\n"))
  }
  computed(kernel_of(texts, view$declarations), arrays_of(view))
}

# ------------------------------------------------------------------------------------------------- components, i or j

# Over i or j a result, over the components (NA) a LazyTensor.
over <- function(x, index, reduction, inner) {
  if (length(index) == 1L && is.na(index)) {
    require_lazy(x, reduction)
    if (reduction != "Sum") {
      require_real(list(x), reduction)
    }
    return(operation(inner, list(x), 1L, is_complex(x)))
  }
  reduction.LazyTensor(x, reduction, index)
}

require_lazy <- function(x, name) {
  if (!inherits(x, "LazyTensor")) {
    refuse("class", "x of %s is %s: expected a LazyTensor, such as Vi(x)", name, described(x))
  }
}

Summary.LazyTensor <- function(..., na.rm = FALSE, index = NA) {
  given <- list(...)
  if (length(given) == 2L && !inherits(given[[2]], "LazyTensor")) {
    index <- given[[2]]
  } else if (length(given) != 1L) {
    refuse("arguments", "%s of %d LazyTensors: expected one, and an index", .Generic, length(given))
  }
  x <- given[[1]]
  switch(.Generic,
    sum = over(x, index, "Sum", "Sum(%s)"),
    min = over(x, index, "Min", "Min(%s)"),
    max = over(x, index, "Max", "Max(%s)"),
    prod = reduction.LazyTensor(x, "Prod", index),
    any = reduction.LazyTensor(x, "Any", index),
    all = reduction.LazyTensor(x, "All", index),
    refuse("arguments", "%s is not defined for LazyTensors", .Generic)
  )
}

mean.LazyTensor <- function(x, index, ...) reduction.LazyTensor(x, "Mean", index)

argmin <- function(x, index = NA) over(x, index, "ArgMin", "ArgMin(%s)")

argmax <- function(x, index = NA) over(x, index, "ArgMax", "ArgMax(%s)")

sum_reduction <- function(x, index) reduction.LazyTensor(x, "Sum", index)

min_reduction <- function(x, index) reduction.LazyTensor(x, "Min", index)

max_reduction <- function(x, index) reduction.LazyTensor(x, "Max", index)

argmin_reduction <- function(x, index) reduction.LazyTensor(x, "ArgMin", index)

argmax_reduction <- function(x, index) reduction.LazyTensor(x, "ArgMax", index)

min_argmin <- function(x, index) reduction.LazyTensor(x, "Min_ArgMin", index)

max_argmax <- function(x, index) reduction.LazyTensor(x, "Max_ArgMax", index)

min_argmin_reduction <- min_argmin

max_argmax_reduction <- max_argmax

# ------------------------------------------------------------------------------------------------------------------- lists

Kmin <- function(x, K, index) reduction.LazyTensor(x, "KMin", index, integer_of("K", K, 1))

argKmin <- function(x, K, index) reduction.LazyTensor(x, "ArgKMin", index, integer_of("K", K, 1))

Kmin_argKmin <- function(x, K, index) reduction.LazyTensor(x, "KMin_ArgKMin", index, integer_of("K", K, 1))

Kmin_reduction <- Kmin

argKmin_reduction <- argKmin

Kmin_argKmin_reduction <- Kmin_argKmin

# ------------------------------------------------------------------------------------------------------------ exponentials

logsumexp <- function(x, index, weight = NA) reduction.LazyTensor(x, "LogSumExp", index, as_weight(weight, "logsumexp"))

logsumexp_reduction <- logsumexp

# RKeOps has the two last arguments in both orders.
sumsoftmaxweight <- function(x, index, weight) {
  if (inherits(index, "LazyTensor")) {
    return(sumsoftmaxweight(x, weight, index))
  }
  reduction.LazyTensor(x, "SumSoftMaxWeight", index, as_weight(weight, "sumsoftmaxweight"))
}

sumsoftmaxweight_reduction <- sumsoftmaxweight

as_weight <- function(weight, name) {
  if (inherits(weight, "LazyTensor") || (is.atomic(weight) && length(weight) == 1L && is.na(weight))) weight else as_lazy(weight, sprintf("weight of %s", name))
}

# ---------------------------------------------------------------------------------------------------- products, gradients

# K %*% b: over j, a row for each i. What is no LazyTensor has a row for each j.
product <- function(x, y) sum(x * (if (inherits(y, "LazyTensor")) y else variable(y, "j", FALSE, "the right side of %*%")), index = "j")

setMethod("%*%", signature("LazyTensor", "ANY"), product)

setMethod("%*%", signature("LazyTensor", "LazyTensor"), product)

setMethod("%*%", signature("ANY", "LazyTensor"), function(x, y) {
  refuse("class", "the left side of %%*%% is %s: expected a LazyTensor; sum(K * Vi(x), index = \"i\") is the product from the left", described(x))
})

grad <- function(f, gradin, opstr, var, index) {
  require_lazy(f, "grad")
  reduced <- reduction_text(f, operation_name(opstr), index, NA)
  name <- variable_name(f, var)
  gradin <- as_lazy(gradin, "gradin of grad")
  lines <- c(sprintf("value = %s", reduced$text), sprintf("out result = Grad(value, %s, %s)", name, gradin@formula))
  result_of(lines, list(f, gradin))
}

# "{v3}": the variable itself, or its place, from 0, among those of the formula.
variable_name <- function(f, var) {
  names <- names(f@variables)
  if (inherits(var, "LazyTensor") && grepl("^\\{v[0-9]+\\}$", var@formula)) {
    if (!var@formula %in% sprintf("{%s}", names)) {
      refuse("arguments", "var is not a variable of f")
    }
    return(var@formula)
  }
  if (is_text(var)) {
    labels <- vapply(f@variables, function(own) own$label, "")
    if (sum(labels == var) == 1L) {
      return(sprintf("{%s}", names[labels == var]))
    }
  }
  if (!is_count(var) || var >= length(names)) {
    refuse("arguments", "var is %s: expected a variable of f, such as Vi(x), or its place from 0 to %d", described(var), length(names) - 1L)
  }
  sprintf("{%s}", names[var + 1])
}
