# LazyTensors: formulas of arrays that are computed when they are reduced.
#
# A formula is text in which {v3} stands for a variable and {t4} for a part of the formula that has a name, because it is long. Numbers of
# variables and parts go up all through a session; compiled text has them numbered in the order in which they appear, so that the same formula
# of other arrays is the same text.

# variables: lists with role, dim, is_complex, values and label, by names v1, v2, ...; parts: texts by names t1, t2, ...
setClass("LazyTensor", representation(formula = "character", variables = "list", parts = "character", dim = "integer"))

# Components are complex numbers: dim counts these.
setClass("ComplexLazyTensor", contains = "LazyTensor")

LONGEST <- 200L

counter <- new.env(parent = emptyenv())
counter$last <- 0L

LazyTensor <- function(x, index = NA, is_complex = FALSE) variable(x, index, is_complex, label_of(substitute(x)))

Vi <- function(x, is_complex = FALSE) variable(x, "i", is_complex, label_of(substitute(x)))

Vj <- function(x, is_complex = FALSE) variable(x, "j", is_complex, label_of(substitute(x)))

Pm <- function(x, is_complex = FALSE) variable(x, NA, is_complex, label_of(substitute(x)))

label_of <- function(expression) {
  text <- deparse(expression, width.cutoff = 60L)[1]
  if (nchar(text) > 40L) paste0(substr(text, 1L, 37L), "...") else text
}

variable <- function(x, index, is_complex, label) {
  if (is(x, "LazyTensor")) {
    refuse("class", "%s is a LazyTensor already", label)
  }
  if (length(index) != 1L || !(is.na(index) || index %in% c("i", "j"))) {
    refuse("arguments", "index is %s: expected \"i\" (a row for each i), \"j\", or NA (a parameter)", described(index))
  }
  if (is.data.frame(x)) {
    x <- as.matrix(x)
  }
  if (!(is.numeric(x) || is.logical(x) || is.complex(x)) || is.factor(x)) {
    refuse("class", "%s is %s: expected numbers%s", label, described(x), if (is.null(x) || is.character(x)) "" else "; as.matrix(...) may make them")
  }
  if (length(x) == 1L && is.na(x) && !is.nan(x)) {
    refuse("value", "%s is NA: expected numbers", label)
  }
  role <- if (is.na(index)) 2L else c(i = 0L, j = 1L)[[index]]
  if (role == 2L && is.matrix(x) && !1L %in% dim(x)) {
    refuse("shape", "%s is a matrix, %d x %d, without an index: expected Vi(%s), a row for each i, or Vj(%s)", label, nrow(x), ncol(x), label, label)
  }
  dim <- if (role == 2L) prod(utils::head(c(dim(x), length(x)), 2L)[seq_len(max(1L, min(2L, length(dim(x)))))]) else if (is.null(dim(x))) 1L else ncol(x)
  if (dim < 1L) {
    refuse("shape", "%s is empty: expected at least one number%s", label, if (role == 2L) "" else " a row")
  }
  is_complex <- is_complex || is.complex(x)
  name <- next_name("v")
  own <- list(role = role, dim = as.integer(dim), is_complex = is_complex, values = x, label = label)
  lazy(sprintf("{%s}", name), stats::setNames(list(own), name), character(), as.integer(dim), is_complex)
}

next_name <- function(letter) {
  counter$last <- counter$last + 1L
  paste0(letter, counter$last)
}

lazy <- function(formula, variables, parts, dim, is_complex) {
  new(if (is_complex) "ComplexLazyTensor" else "LazyTensor", formula = formula, variables = variables, parts = parts, dim = dim)
}

# A LazyTensor of what stands beside one in an operation: integers are constants of the formula, other numbers parameters.
as_lazy <- function(x, place) {
  if (is(x, "LazyTensor")) {
    return(x)
  }
  if (is.int(x)) {
    return(lazy(if (x < 0) sprintf("(%d)", as.integer(x)) else sprintf("%d", as.integer(x)), list(), character(), 1L, FALSE))
  }
  if (is.matrix(x) && !1L %in% dim(x)) {
    refuse("class", "%s is a matrix: expected a LazyTensor, Vi(...) with a row for each i or Vj(...), or numbers", place)
  }
  variable(x, NA, FALSE, place)
}

# The operation that `format` writes, applied to LazyTensors and numbers.
operation <- function(format, operands, dim, is_complex = FALSE) {
  text <- do.call(sprintf, c(list(format), lapply(operands, function(own) own@formula)))
  variables <- list()
  parts <- character()
  for (own in operands) {
    variables <- c(variables, own@variables[setdiff(names(own@variables), names(variables))])
    parts <- c(parts, own@parts[setdiff(names(own@parts), names(parts))])
  }
  if (nchar(text) > LONGEST) {
    name <- next_name("t")
    parts[[name]] <- text
    text <- sprintf("{%s}", name)
  }
  lazy(text, variables, parts, as.integer(dim), is_complex)
}

# The number of components that all have, but for those with a single one.
common_dim <- function(operands, place) {
  dims <- vapply(operands, function(own) own@dim, 0L)
  if (!all(dims %in% c(1L, max(dims)))) {
    refuse("shape", "%s: the arguments have %s components: expected equally many, or 1", place, paste(dims, collapse = " and "))
  }
  max(dims)
}

is_complex <- function(x) is(x, "ComplexLazyTensor")

# Refuses complex arguments of what is defined for real numbers only.
require_real <- function(operands, place) {
  if (any(vapply(operands, is_complex, NA))) {
    refuse("class", "%s is not defined for complex numbers: Re(...), Im(...), Mod(...) and Arg(...) are real", place)
  }
}

roles_of <- function(x) vapply(x@variables, function(own) own$role, 0L)

# -------------------------------------------------------------------------------------------------------------- predicates

is.LazyTensor <- function(x) is(x, "LazyTensor")

is.ComplexLazyTensor <- function(x) is(x, "ComplexLazyTensor")

is.LazyMatrix <- function(x) is(x, "LazyTensor") && any(roles_of(x) < 2L)

is.LazyVector <- function(x) is(x, "LazyTensor") && !any(roles_of(x) < 2L)

is.LazyParameter <- function(x) is.LazyVector(x) && !is_complex(x) && x@dim == 1L

is.ComplexLazyParameter <- function(x) is.LazyVector(x) && is_complex(x) && x@dim == 1L

is.int <- function(x) is.numeric(x) && !is.factor(x) && is.null(dim(x)) && length(x) == 1L && is.finite(x) && x == trunc(x) && abs(x) <= .Machine$integer.max

# ------------------------------------------------------------------------------------------------------------------- views

# The lines of a formula file before the result, the result's formula, and the variables in the order in which they appear.
written <- function(formulas, operands) {
  variables <- list()
  parts <- character()
  for (own in operands) {
    variables[names(own@variables)] <- own@variables
    parts[names(own@parts)] <- own@parts
  }
  parts <- parts[order(as.integer(substring(names(parts), 2L)))]
  text <- paste(c(if (length(parts)) sprintf("{%s} = %s", names(parts), parts), formulas), collapse = "\n")
  places <- gregexpr("\\{[vt][0-9]+\\}", text)
  found <- unlist(regmatches(text, places))
  appear <- unique(found)
  of_variables <- startsWith(appear, "{v")
  new <- character(length(appear))
  new[of_variables] <- sprintf("v%d", seq_len(sum(of_variables)) - 1L)
  new[!of_variables] <- sprintf("t%d", seq_len(sum(!of_variables)) - 1L)
  regmatches(text, places) <- list(new[match(found, appear)])
  used <- variables[gsub("[{}]", "", appear[of_variables])]
  declarations <- .mapply(function(own, name) {
    list(name = name, role = own$role, dim = own$dim, is_complex = own$is_complex, label = own$label)
  }, list(used, new[of_variables]), NULL)
  list(text = text, declarations = declarations, arrays = unname(lapply(used, function(own) own$values)))
}

setMethod("show", "LazyTensor", function(object) {
  view <- written(object@formula, list(object))
  depends <- c("i", "j")[c(0L, 1L) %in% roles_of(object)]
  cat(sprintf(
    "%s: %d component%s %s\n", class(object), object@dim, if (object@dim == 1L) "" else "s",
    switch(length(depends) + 1L, "of parameters", sprintf("for each %s", depends), "for each pair (i, j)")
  ))
  cat(view$text, "\n")
  names <- vapply(view$declarations, function(own) sprintf("  %s = %s", own$name, own$label), "")
  cat(names, sep = "\n")
})

# RKeOps' fields.
setMethod("$", "LazyTensor", function(x, name) {
  view <- written(x@formula, list(x))
  switch(name,
    formula = view$text,
    args = declared(view$declarations),
    vars = view$arrays,
    dimres = x@dim,
    refuse("arguments", "a LazyTensor has no field %s: it has formula, args, vars and dimres", name)
  )
})
