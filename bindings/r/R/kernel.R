# Formulas as texts -> functions of arrays.

keops_kernel <- function(formula, args, sum_scheme = "auto") {
  if (!is_text(formula) || !nzchar(formula)) {
    refuse("arguments", "formula is %s: expected a text such as \"Sum_Reduction(Exp(-SqDist(x, y)) * b, 1)\"", described(formula))
  }
  if (!grepl("_Reduction\\s*\\(|\\w\\s*\\[\\s*[ij]\\s*[],]|\\bGrad\\s*\\(", formula)) {
    refuse("formula", "%s is no reduction: expected Sum_Reduction(%s, 1) for the sums over j, 0 for those over i", formula, formula)
  }
  new_operator(formula, read_declarations(args), with_indices(formula), read_scheme(sum_scheme))
}

keops_grad <- function(operator, var) {
  if (!is.function(operator) || !inherits(operator, "keops_kernel")) {
    refuse("arguments", "operator is %s: expected a function that keops_kernel or keops_grad returned", described(operator))
  }
  context <- operator()
  names <- vapply(context$declarations, function(one) one$name, "")
  if (is_count(var) && var < length(names)) {
    var <- names[var + 1]
  }
  if (!is_text(var) || !var %in% names) {
    refuse("arguments", "var is %s: expected the name of a variable, one of %s, or its place from 0 to %d", described(var),
      paste(names, collapse = ", "), length(names) - 1L)
  }
  step <- sprintf("Grad(keops_%d, %s)", length(context$steps), var)
  new_operator(sprintf("Grad(%s, %s, eta)", context$formula, var), context$declarations, c(context$steps, step), context$scheme)
}

# A function of a list of arrays. `formula` is what the user wrote; `steps` are formulas for the compiler, each of which may use the one before,
# as keops_1, keops_2, ...; the last is the result.
new_operator <- function(formula, declarations, steps, scheme) {
  statements <- c(sprintf("keops_%d = %s", seq_along(steps[-1]), steps[-length(steps)]), sprintf("out result = %s", steps[length(steps)]))
  kernel <- NULL
  key <- ""
  made <- function() {
    kernel <<- kernel_of(c(declared(declarations), statements), declarations, scheme)
    key <<- state$key
  }
  made()
  structure(function(input = NULL, inner_dim = "col") {
    if (is.null(input)) {
      return(list(formula = formula, args = declared(declarations), declarations = declarations, steps = steps, scheme = scheme))
    }
    if (key != state$key) {
      made() # options have changed
    }
    called(kernel, input, inner_dim)
  }, class = "keops_kernel")
}

# What keops_kernel's functions do with a list of arrays.
called <- function(kernel, input, inner_dim) {
  if (!is.list(input) || is.data.frame(input)) {
    refuse("arguments", "input is %s: expected a list of arrays, list(%s)", described(input), paste(kernel$names, collapse = ", "))
  }
  if (!is.null(names(input))) {
    input <- by_name(input, kernel$names)
  }
  if (!identical(inner_dim, "col") && !identical(inner_dim, "row")) {
    refuse("arguments", "inner_dim is %s: expected \"col\" or \"row\"", described(inner_dim))
  }
  computed(kernel, input, inner_dim == "row")
}

print.keops_kernel <- function(x, ...) {
  context <- x()
  cat(sprintf("%s\nof a list of %s\n", context$formula, paste(context$args, collapse = ", ")))
  invisible(x)
}

by_name <- function(input, names) {
  places <- match(names, names(input))
  if (anyNA(places)) {
    refuse("arguments", "input has no array %s: it has %s", names[is.na(places)][1], paste(names(input), collapse = ", "))
  }
  if (length(input) != length(names)) {
    refuse("arguments", "%d arrays given: expected %d", length(input), length(names))
  }
  input[places]
}

# --------------------------------------------------------------------------------------------------------------- libraries

# The functions of a library that was compiled ahead of time.
keops_library <- function(path) {
  if (!is_text(path)) {
    refuse("arguments", "path is %s: expected the path of a library", described(path))
  }
  path <- normalizePath(path, mustWork = FALSE) # with a slash, so that it is not looked for elsewhere
  entries <- entries_of(path)
  functions <- lapply(entries, function(entry) {
    kernel <- new_kernel(path, entry)
    function(input, inner_dim = "col") called(kernel, input, inner_dim)
  })
  stats::setNames(functions, vapply(entries, function(entry) entry$name, ""))
}

# Kernels of this session, by options and text.
kernels <- new.env(parent = emptyenv())

# A compiled formula: the handle, names of arguments and results, and what the glue needs to load it again in another process.
kernel_of <- function(texts, declarations, scheme = NULL) {
  # GaussKernel and its relatives are definitions of a library that comes with the compiler.
  if (any(grepl("\\w+Kernel\\s*\\(", texts))) texts <- c("use kernels", texts)
  text <- paste(texts, collapse = "\n")
  key <- paste(state$key, scheme, text, sep = "\n")
  kernel <- kernels[[key]]
  if (is.null(kernel)) {
    path <- compile(text, if (!is.null(scheme)) c("--sum", scheme))
    kernel <- new_kernel(path, entries_of(path)[[1]], declarations)
    kernels[[key]] <- kernel
  }
  kernel
}

# An entry of a library as a kernel. Its arguments are those that are declared, then what else it has: cotangents. Without declarations they are
# its own.
new_kernel <- function(path, entry, declarations = NULL) {
  kernel <- new.env(parent = emptyenv())
  names <- vapply(declarations, function(one) one$name, "")
  labels <- vapply(declarations, function(one) if (is.null(one$label)) one$name else one$label, "")
  arguments <- vapply(declarations, function(one) c(one$role, one$dim, if (one$is_complex) 4L else 1L, -1L), integer(4))
  results <- matrix(0L, 4, 0)
  shapes <- list()
  outputs <- character()
  for (k in seq_along(entry$tensors)) {
    tensor <- entry$tensors[[k]]
    type <- match(tensor$dtype, c("f32", "f64", "i64", "c64", "c128"))
    if (is.na(type)) {
      refuse("unsupported", "%s of %s is %s, which R has no numbers for", tensor$name, path, tensor$dtype)
    }
    column <- c(match(tensor$role, c("i", "j", "parameter")) - 1L, as.integer(prod(unlist(tensor$shape))), type - 1L, k - 1L)
    place <- match(tensor$name, names)
    if (tensor$kind == "output") {
      results <- cbind(results, column)
      shapes <- c(shapes, list(unlist(tensor$shape)))
      outputs <- c(outputs, tensor$name)
    } else if (is.na(place)) {
      arguments <- cbind(arguments, column)
      labels <- c(labels, if (is.null(declarations)) tensor$name else cotangent_name(labels))
    } else {
      arguments[, place] <- column
    }
  }
  kernel$path <- path
  kernel$entry <- entry$name
  kernel$names <- labels
  kernel$outputs <- if (is.null(declarations)) outputs else c("value", "number")[seq_along(outputs)]
  kernel$shapes <- shapes
  kernel$lists <- any(lengths(shapes) == 2L & vapply(shapes, function(shape) shape[length(shape)] > 1, NA))
  kernel$arguments <- arguments
  kernel$results <- results
  kernel$place <- state$place
  load_library(kernel)
}

# "eta", or "eta_2", ...
cotangent_name <- function(names) if ("eta" %in% names) sprintf("eta_%d", sum(grepl("^eta", names)) + 1L) else "eta"

load_library <- function(kernel) {
  kernel$handle <- checked(.Call(keopsc_load, kernel$path, kernel$entry, kernel$names, kernel$arguments, kernel$results, kernel$place))
  kernel
}

# The result: an array, or a list of arrays.
computed <- function(kernel, arrays, transposed = FALSE) {
  result <- .Call(keopsc_run, kernel$handle, arrays, transposed)
  if (is.null(result)) { # the handle came from another process, with the function
    load_library(kernel)
    result <- .Call(keopsc_run, kernel$handle, arrays, transposed)
  }
  if (is.character(result)) {
    checked(result)
  }
  if (kernel$lists) {
    result <- if (is.list(result)) .mapply(with_list_axis, list(result, kernel$shapes), NULL) else with_list_axis(result, kernel$shapes[[1]])
  }
  if (is.list(result)) {
    names(result) <- kernel$outputs
  }
  result
}

# Lists of K rows of D numbers have axes of their own: M x K x D.
with_list_axis <- function(result, shape) {
  if (length(shape) < 2L || shape[2] == 1) {
    return(result)
  }
  batch <- dim(result)[-(1:2)]
  aperm(array(result, c(dim(result)[1], rev(shape), batch)), c(1, 3, 2, 3 + seq_along(batch)))
}

# ------------------------------------------------------------------------------------------------------------------- texts

ROLES <- c(Vi = 0L, Vx = 0L, Vj = 1L, Vy = 1L, Pm = 2L)

# "x = Vi(3)" or "x = Vi(0, 3)" -> lists with name, role, dim and is_complex, in the order of the arguments.
read_declarations <- function(args) {
  if (is.list(args)) {
    args <- unlist(args)
  }
  if (!is.character(args) || length(args) == 0L || anyNA(args)) {
    refuse("arguments", "args is %s: expected texts such as \"x=Vi(3)\", \"y=Vj(3)\", \"s=Pm(1)\"", described(args))
  }
  pattern <- "^\\s*(\\w+)\\s*=\\s*(V[ijxy]|Pm)\\s*\\(\\s*(?:(\\d+)\\s*,\\s*)?(\\d{1,9})\\s*(,\\s*dtype\\s*=\\s*c(?:64|128)\\s*)?\\)\\s*$"
  parts <- regmatches(args, regexec(pattern, args, perl = TRUE))
  wrong <- which(lengths(parts) == 0L)
  if (length(wrong)) {
    refuse("formula", "%s: expected a declaration such as x=Vi(3)", args[wrong[1]])
  }
  declarations <- lapply(parts, function(part) {
    list(name = part[2], role = ROLES[[part[3]]], dim = as.integer(part[5]), is_complex = nzchar(part[6]))
  })
  places <- vapply(parts, function(part) if (nzchar(part[4])) as.numeric(part[4]) else NA_real_, 0)
  if (all(is.na(places))) {
    return(declarations)
  }
  if (!setequal(places, seq_along(places) - 1)) {
    refuse("formula", "the places of arguments are %s: expected each of 0 to %d once", paste(places, collapse = ", "), length(places) - 1L)
  }
  declarations[order(places)]
}

declared <- function(declarations) {
  complex <- if (state$options$precision == "float32") ", dtype=c64" else ", dtype=c128"
  vapply(declarations, function(one) {
    paste0(one$name, " = ", c("Vi", "Vj", "Pm")[one$role + 1L], "(", one$dim, if (one$is_complex) complex, ")")
  }, "")
}

read_scheme <- function(scheme) {
  known <- c(auto = "auto", direct_sum = "direct", block_sum = "block", kahan_scheme = "kahan", direct = "direct", block = "block", kahan = "kahan")
  if (!is_text(scheme) || !scheme %in% names(known)) {
    refuse("options", "sum_scheme is %s: expected one of %s", described(scheme), paste(names(known), collapse = ", "))
  }
  known[[scheme]]
}

# RKeOps' NAME_Reduction(F, axis), (F, K, axis) and (F, weight, axis), where the axis is the one that vanishes (0: i, 1: j), -> keopsc's
# NAME[j](F), NAME[j, K=3](F) and NAME[j](F, weight).
with_indices <- function(formula) {
  start <- regexpr("\\w+_Reduction\\s*\\(", formula)
  if (start < 0L) {
    return(formula)
  }
  open <- start + attr(start, "match.length") - 1L
  parts <- arguments_at(formula, open)
  if (is.null(parts)) {
    return(formula) # parentheses do not match, of which the compiler tells
  }
  values <- trimws(parts$texts)
  count <- length(values)
  if (!count %in% 2:3 || !values[count] %in% c("0", "1")) {
    refuse("formula", "%s: expected its axis at the end, 1 for a reduction over j, 0 for one over i", substr(formula, start, parts$end))
  }
  values <- vapply(values, with_indices, "")
  has_count <- count == 3L && grepl("^[0-9]+$", values[2])
  name <- sub("_Reduction\\s*\\($", "", substr(formula, start, open))
  reduction <- reduction_call(name, if (values[count] == "0") "i" else "j", values[1], if (has_count) values[2], if (count == 3L && !has_count) values[2])
  paste0(substr(formula, 1L, start - 1L), reduction, with_indices(substr(formula, parts$end + 1L, nchar(formula))))
}

# KeOps' names of reductions that formulas write otherwise.
REDUCTIONS <- c(
  LogSumExpWeight = "LogSumExp", SumSoftMax = "SumSoftMaxWeight", SoftMax = "SumSoftMaxWeight", Max_SumShiftExp = "Max_SumShiftExpWeight",
  MinArgMin = "Min_ArgMin", MaxArgMax = "Max_ArgMax", KMinArgKMin = "KMin_ArgKMin"
)

# "KMin[j, K=3](F)"
reduction_call <- function(name, index, formula, K = NULL, weight = NULL) {
  if (name %in% names(REDUCTIONS)) {
    name <- REDUCTIONS[[name]]
  }
  sprintf("%s[%s%s](%s)", name, index, if (is.null(K)) "" else sprintf(", K=%s", K), paste(c(formula, weight), collapse = ", "))
}

# The arguments between the parenthesis at `open` and the one that closes it, and where that is.
arguments_at <- function(formula, open) {
  letters <- strsplit(formula, "")[[1]]
  depth <- cumsum((letters %in% c("(", "[")) - (letters %in% c(")", "]")))
  outside <- if (open > 1L) depth[open - 1L] else 0L
  after <- seq_along(letters) > open
  end <- which(after & depth == outside)[1]
  if (is.na(end)) {
    return(NULL)
  }
  commas <- which(after & seq_along(letters) < end & letters == "," & depth == outside + 1L)
  list(texts = substring(formula, c(open, commas) + 1L, c(commas, end) - 1L), end = end)
}
