# LazyTensors: formulas of arrays that are computed when they are reduced.
#
# A formula is text in which {v3} stands for a variable and {t4} for a part of the formula that has a name, because it is long. Numbers of
# variables and parts go up all through a session; compiled text has them numbered in the order in which they appear, so that the same formula
# of other arrays is the same text.

# variables: lists with role, dim, is_complex, values and label, by names v1, v2, ...; parts: texts by names t1, t2, ...
setClass("LazyTensor", representation(formula = "character", variables = "list", parts = "character", dimres = "integer"))

# Components are complex numbers: dimres counts these.
setClass("ComplexLazyTensor", contains = "LazyTensor")

LONGEST <- 200L

counter <- new.env(parent = emptyenv())
counter$last <- 0L

LazyTensor <- function(x, index = NA, is_complex = FALSE) variable(x, index, is_complex, label_of(substitute(x)))

Vi <- function(x, is_complex = FALSE) variable(x, "i", is_complex, label_of(substitute(x)))

Vj <- function(x, is_complex = FALSE) variable(x, "j", is_complex, label_of(substitute(x)))

Pm <- function(x, is_complex = FALSE) variable(x, NA, is_complex, label_of(substitute(x)))

# What messages call an array: the expression that it was given as.
label_of <- function(expression) {
  if (!is.language(expression) && length(expression) > 1L) {
    return("x") # the array itself, as do.call hands it over
  }
  text <- deparse(expression, width.cutoff = 60L, nlines = 1L)[1]
  if (nchar(text) > 40L) paste0(substr(text, 1L, 37L), "...") else text
}

variable <- function(x, index, is_complex, label) {
  if (inherits(x, "LazyTensor")) {
    refuse("class", "%s is a LazyTensor already", label)
  }
  if (length(index) != 1L || !(is.na(index) || index %in% c("i", "j"))) {
    refuse("arguments", "index is %s: expected \"i\" (a row for each i), \"j\", or NA (a parameter)", described(index))
  }
  if (!isTRUE(is_complex) && !isFALSE(is_complex)) {
    refuse("arguments", "is_complex is %s: expected TRUE or FALSE", described(is_complex))
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
  extent <- if (length(dim(x)) > 1L) dim(x)[1:2] else c(length(x), 1L)
  if (role == 2L && !1L %in% extent) {
    refuse("shape", "%s is a matrix, %d x %d, without an index: expected Vi(%s), a row for each i, or Vj(%s)", label, extent[1], extent[2], label, label)
  }
  dim <- if (role == 2L) prod(extent) else extent[2]
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

# What new() makes, in a tenth of its time: slots are attributes, and all that is made here is of the right types.
EMPTY <- list(new("LazyTensor"), new("ComplexLazyTensor"))

lazy <- function(formula, variables, parts, dim, is_complex) {
  made <- EMPTY[[is_complex + 1L]]
  attr(made, "formula") <- formula
  attr(made, "variables") <- variables
  attr(made, "parts") <- parts
  attr(made, "dimres") <- dim
  made
}

# A LazyTensor of what stands beside one in an operation: integers are constants of the formula, other numbers parameters.
as_lazy <- function(x, place) {
  if (inherits(x, "LazyTensor")) {
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
    variables <- joined(variables, own@variables)
    parts <- joined(parts, own@parts)
  }
  if (nchar(text) > LONGEST) {
    name <- next_name("t")
    parts[[name]] <- text
    text <- sprintf("{%s}", name)
  }
  lazy(text, variables, parts, as.integer(dim), is_complex)
}

# The members of both, each name once.
joined <- function(a, b) {
  if (length(a) == 0L) b else if (length(b) == 0L) a else c(a, b[!names(b) %in% names(a)])
}

# The number of components that all have, but for those with a single one.
common_dim <- function(operands, place) {
  dims <- vapply(operands, function(own) own@dimres, 0L)
  if (any(dims != 1L & dims != max(dims))) {
    refuse("shape", "%s: the arguments have %s components: expected equally many, or 1", place, paste(dims, collapse = " and "))
  }
  max(dims)
}

is_complex <- function(x) inherits(x, "ComplexLazyTensor")

# Refuses complex arguments of what is defined for real numbers only.
require_real <- function(operands, place) {
  if (any(vapply(operands, is_complex, NA))) {
    refuse("class", "%s is not defined for complex numbers: Re(...), Im(...), Mod(...) and Arg(...) are real", place)
  }
}

roles_of <- function(x) vapply(x@variables, function(own) own$role, 0L)

# -------------------------------------------------------------------------------------------------------------- predicates

is.LazyTensor <- function(x) inherits(x, "LazyTensor")

is.ComplexLazyTensor <- function(x) inherits(x, "ComplexLazyTensor")

is.LazyMatrix <- function(x) inherits(x, "LazyTensor") && any(roles_of(x) < 2L)

is.LazyVector <- function(x) inherits(x, "LazyTensor") && !any(roles_of(x) < 2L)

is.LazyParameter <- function(x) is.LazyVector(x) && !is_complex(x) && x@dimres == 1L

is.ComplexLazyParameter <- function(x) is.LazyVector(x) && is_complex(x) && x@dimres == 1L

is.int <- function(x) is.numeric(x) && !is.factor(x) && is.null(dim(x)) && length(x) == 1L && is.finite(x) && x == trunc(x) && abs(x) <= .Machine$integer.max

# ------------------------------------------------------------------------------------------------------------------- views

# Formulas as lines of a formula file, after the parts that they are made of, and the variables in the order in which they appear, as declarations.
written <- function(formulas, operands) {
  variables <- list()
  parts <- character()
  for (own in operands) {
    variables <- joined(variables, own@variables)
    parts <- joined(parts, own@parts)
  }
  if (length(parts)) {
    parts <- parts[order(as.integer(substring(names(parts), 2L)))]
    formulas <- c(sprintf("{%s} = %s", names(parts), parts), formulas)
  }
  pieces <- strsplit(paste(formulas, collapse = "\n"), "[{}]")[[1]] # what stands between braces is each second piece
  places <- seq.int(2L, length.out = length(pieces) %/% 2L, by = 2L)
  appear <- unique(pieces[places])
  of_variables <- startsWith(appear, "v")
  new <- character(length(appear))
  new[of_variables] <- paste0("v", seq_len(sum(of_variables)) - 1L)
  new[!of_variables] <- paste0("t", seq_len(sum(!of_variables)) - 1L)
  pieces[places] <- new[match(pieces[places], appear)]
  used <- variables[appear[of_variables]]
  used <- .mapply(function(own, name) c(own, name = name), list(used, new[of_variables]), NULL)
  list(text = paste(pieces, collapse = ""), declarations = used)
}

arrays_of <- function(view) lapply(view$declarations, function(own) own$values)

setMethod("show", "LazyTensor", function(object) {
  view <- written(object@formula, list(object))
  depends <- c("i", "j")[c(0L, 1L) %in% roles_of(object)]
  cat(sprintf(
    "%s: %d component%s %s\n", class(object), object@dimres, if (object@dimres == 1L) "" else "s",
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
    vars = arrays_of(view),
    dimres = x@dimres,
    refuse("arguments", "a LazyTensor has no field %s: it has formula, args, vars and dimres", name)
  )
})
