# What the tests share.
library(keopsc)
options(warn = 2)

# Stops unless two arrays have equal dimensions and, but for rounding, equal values.
close_to <- function(found, expected, tolerance = 1e-13) {
  found <- if (is.null(dim(found))) matrix(found) else found
  expected <- if (is.null(dim(expected))) matrix(expected, dim(found)[1]) else expected
  if (!identical(dim(found), dim(expected))) {
    stop("the result is ", paste(dim(found), collapse = " x "), ", not ", paste(dim(expected), collapse = " x "))
  }
  same <- found == expected | is.nan(found) & is.nan(expected)
  error <- abs(found - expected) / pmax(1, abs(expected))
  wrong <- which(!(same %in% TRUE) & !(error <= tolerance))
  if (length(wrong)) {
    stop("value ", wrong[1], " is ", format(found[wrong[1]], digits = 17), ", not ", format(expected[wrong[1]], digits = 17))
  }
}

# Stops unless an error of this class with this text in it comes.
refused <- function(class, text, expression) {
  found <- tryCatch(
    {
      expression
      stop("nothing was refused where this was expected: ", text)
    },
    keopsc_error = identity
  )
  if (!inherits(found, class) || !grepl(text, conditionMessage(found), fixed = TRUE)) {
    stop("expected ", class, ": ", text, "\nfound    ", class(found)[1], ": ", conditionMessage(found))
  }
}

# A reduction of f(x[i, ], y[j, ]) over j, for each i, in plain R: `reduce` is given a matrix with a row for each j.
dense <- function(f, x, y, reduce = colSums) {
  rows <- lapply(seq_len(nrow(x)), function(i) {
    reduce(do.call(rbind, lapply(seq_len(nrow(y)), function(j) f(x[i, ], y[j, ]))))
  })
  do.call(rbind, rows)
}

squared_distances <- function(x, y) outer(rowSums(x^2), rowSums(y^2), "+") - 2 * x %*% t(y)
