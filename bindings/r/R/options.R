# Options -> flags of `keopsc compile`, and how the glue calls libraries.

DEFAULTS <- list(
  backend = "CPU", device_id = 0L, precision = "float64", verbosity = FALSE, debug = FALSE, cache_dir = NULL,
  formula_only = FALSE, threads = 0L, numbers_from = 0L, products = "auto"
)

# options: the list; flags and place: what it means for the compiler and for keopsc_load; key: both in one text.
state <- new.env(parent = emptyenv())

set_rkeops_options <- function(...) {
  input <- list(...)
  if (length(input) == 1L && is.null(names(input)) && (is.list(input[[1]]) || is.null(input[[1]]))) {
    input <- input[[1]]
  }
  if (length(input) == 0L) {
    return(invisible(use_options(DEFAULTS)))
  }
  if (is.null(names(input)) || !all(nzchar(names(input)))) {
    refuse("options", "options have names, as in set_rkeops_options(precision = \"float32\")")
  }
  options <- state$options
  for (name in names(input)) {
    options[name] <- list(checked_option(name, input[[name]]))
  }
  invisible(use_options(options))
}

get_rkeops_options <- function(option = NULL) {
  if (is.null(option)) {
    return(state$options)
  }
  unknown <- setdiff(option, names(DEFAULTS))
  if (!is.character(option) || length(unknown)) {
    refuse("options", "there is no option %s; the options are %s", unknown[1], paste(names(DEFAULTS), collapse = ", "))
  }
  if (length(option) == 1L) state$options[[option]] else state$options[option]
}

rkeops_use_cpu <- function(ncore = NULL) set_rkeops_options(backend = "CPU", threads = if (is.null(ncore)) 0L else ncore)

rkeops_use_gpu <- function(device = 0) set_rkeops_options(backend = "GPU", device_id = device)

rkeops_use_float32 <- function() set_rkeops_options(precision = "float32")

rkeops_use_float64 <- function() set_rkeops_options(precision = "float64")

rkeops_enable_verbosity <- function() set_rkeops_options(verbosity = TRUE)

rkeops_disable_verbosity <- function() set_rkeops_options(verbosity = FALSE)

checked_option <- function(name, value) {
  switch(name,
    backend = one_of(name, value, c("CPU", "GPU")),
    precision = one_of(name, value, c("float64", "float32", "double", "float")),
    products = one_of(name, value, c("auto", "tf32", "bf16")),
    device_id = if (is.numeric(value) && identical(as.numeric(value), -1)) 0L else counted(name, value), # -1 is the first one, as in RKeOps
    threads = counted(name, value),
    numbers_from = if (counted(name, value) > 1L) refuse("options", "the option numbers_from is %s: expected 0 or 1", value) else as.integer(value),
    verbosity = , debug = , formula_only = flag(name, value),
    cache_dir = if (is.null(value) || is_text(value)) value else refuse("options", "the option cache_dir is %s: expected a folder", described(value)),
    refuse("options", "there is no option %s; the options are %s", name, paste(names(DEFAULTS), collapse = ", "))
  )
}

one_of <- function(name, value, values) {
  if (!is_text(value) || !value %in% values) {
    refuse("options", "the option %s is %s: expected one of %s", name, described(value), paste(values, collapse = ", "))
  }
  switch(value, double = "float64", float = "float32", value)
}

counted <- function(name, value) {
  if (!is_count(value)) {
    refuse("options", "the option %s is %s: expected a number 0, 1, 2, ...", name, described(value))
  }
  as.integer(value)
}

flag <- function(name, value) {
  if (length(value) != 1L || is.na(value) || !(value %in% c(0, 1))) {
    refuse("options", "the option %s is %s: expected TRUE or FALSE", name, described(value))
  }
  as.logical(value)
}

use_options <- function(options) {
  on_gpu <- options$backend == "GPU"
  state$options <- options
  state$flags <- c(
    "--dtype", if (options$precision == "float32") "f32" else "f64",
    "--products", options$products,
    "--target", if (on_gpu) "native,cuda" else "native"
  )
  state$place <- c(options$threads, if (on_gpu) 2L else 0L, options$device_id, options$numbers_from)
  state$key <- paste(c(state$flags, state$place), collapse = " ")
  options
}

use_options(DEFAULTS)
