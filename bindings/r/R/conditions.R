# Errors are conditions with classes: keopsc_shape, keopsc_class, ... and keopsc_error for all of them. docs/r.md lists the kinds.

refuse <- function(kind, format, ...) {
  message <- if (...length()) sprintf(format, ...) else format
  stop(structure(list(message = message, call = NULL), class = c(paste0("keopsc_", kind), "keopsc_error", "error", "condition")))
}

# What the glue returns -> the same, or the error that it tells.
checked <- function(result) {
  if (is.character(result) && length(result) == 2L) {
    refuse(result[[1]], "%s", result[[2]])
  }
  result
}

# What an argument is, for messages: 3, "a", NULL, NA, a function, character of length 2, of class matrix, array.
described <- function(x) {
  if (is.null(x)) {
    return("NULL")
  }
  if (is.atomic(x) && length(x) == 1L && is.null(dim(x))) {
    return(if (is.na(x) && !is.nan(x)) "NA" else encodeString(as.character(x), quote = if (is.character(x)) "\"" else ""))
  }
  if (is.atomic(x) && !is.object(x) && is.null(dim(x))) {
    return(sprintf("%s of length %d", class(x), length(x)))
  }
  if (is.function(x)) {
    return("a function")
  }
  sprintf("of class %s", paste(class(x), collapse = ", "))
}

is_text <- function(x) is.character(x) && length(x) == 1L && !is.na(x)

is_count <- function(x, least = 0) is.numeric(x) && length(x) == 1L && is.finite(x) && x >= least && x == trunc(x) && x <= .Machine$integer.max
