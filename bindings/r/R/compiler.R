# Formula text -> a compiled library, by the command `keopsc compile --cached`; and what libraries say of themselves.

# The path of the command: $KEOPSC, or the one on PATH.
compiler <- function() {
  named <- Sys.getenv("KEOPSC")
  if (nzchar(named)) {
    if (file.access(named, 1L) != 0L || dir.exists(named)) {
      refuse("build", "the environment variable KEOPSC is %s, which is no executable file", named)
    }
    return(named)
  }
  found <- unname(Sys.which("keopsc"))
  if (!nzchar(found)) {
    refuse("build", "the compiler keopsc is not on PATH: install it (make install), or set KEOPSC to its path: Sys.setenv(KEOPSC = \"...\")")
  }
  found
}

# Runs `keopsc ARGUMENTS` with `text` as its input; returns the lines that it prints.
run_compiler <- function(arguments, text = NULL) {
  errors <- tempfile()
  on.exit(unlink(errors))
  folder <- state$options$cache_dir
  environment <- if (is.null(folder)) character() else paste0("KEOPSC_CACHE_DIR=", shQuote(path.expand(folder)))
  output <- suppressWarnings(system2(compiler(), arguments, stdout = TRUE, stderr = errors, input = text, env = environment))
  status <- attr(output, "status")
  message <- paste(readLines(errors, warn = FALSE, encoding = "UTF-8"), collapse = "\n")
  if (!is.null(status)) {
    kind <- if (status == 1L) "formula" else "build"
    refuse(kind, "%s", if (nzchar(message)) message else sprintf("keopsc %s exited with %d", arguments[1], status))
  }
  if (state$options$verbosity && nzchar(message)) {
    message(message)
  }
  as.character(output)
}

# The path of the library for a formula text; `flags` beside those of the options.
compile <- function(text, flags = character()) {
  verbose <- if (state$options$verbosity) "-v"
  if (state$options$debug) {
    message(text)
  }
  run_compiler(c("compile", "--cached", "--color", "never", state$flags, flags, verbose, "-"), text)
}

# The entries of a library: lists with name and tensors, which are lists with name, kind, role, shape and dtype.
entries_of <- function(path) read_json(checked(.Call(keopsc_manifest, path)))$entries

# JSON -> lists, texts, numbers and truth values; just what manifests have.
read_json <- function(text) {
  tokens <- regmatches(text, gregexpr("\"(?:[^\"\\\\]|\\\\.)*\"|[][{}:,]|[^][{}:,\"[:space:]]+", text, perl = TRUE))[[1]]
  place <- 1L
  value <- function() {
    token <- tokens[place]
    place <<- place + 1L
    if (token == "{" || token == "[") {
      return(members(if (token == "{") "}" else "]"))
    }
    if (startsWith(token, "\"")) {
      return(gsub("\\\\(.)", "\\1", substr(token, 2L, nchar(token) - 1L)))
    }
    switch(token, true = TRUE, false = FALSE, null = NULL, as.numeric(token))
  }
  members <- function(end) {
    found <- list()
    names <- character()
    while (tokens[place] != end) {
      if (tokens[place] == ",") {
        place <<- place + 1L
      }
      if (end == "}") {
        names <- c(names, value())
        place <<- place + 1L # the colon
      }
      found <- c(found, list(value()))
    }
    place <<- place + 1L
    if (end == "}") stats::setNames(found, names) else found
  }
  value()
}

set_rkeops_cache_dir <- function(cache_dir = NULL) set_rkeops_options(cache_dir = cache_dir)

get_rkeops_cache_dir <- function() run_compiler(c("cache", "--dir"))

stat_rkeops_cache_dir <- function(verbose = TRUE) {
  bytes <- as.numeric(run_compiler(c("cache", "--size")))
  if (verbose) {
    message(sprintf("%s holds %s; clean_rkeops() empties it", get_rkeops_cache_dir(), format(structure(bytes, class = "object_size"), units = "auto")))
  }
  invisible(bytes)
}

clean_rkeops <- function(verbose = TRUE) {
  run_compiler(c("cache", "--clear"))
  if (verbose) {
    message(sprintf("%s is empty", get_rkeops_cache_dir()))
  }
  invisible(NULL)
}

# Compiles a formula and computes with it: an error says what is missing.
check_rkeops <- function() {
  F <- keops_kernel("Sum_Reduction(SqDist(x, y), 1)", c("x=Vi(2)", "y=Vj(2)"))
  x <- matrix(c(0, 1, 2, 3), 2)
  right <- isTRUE(all.equal(F(list(x, x)), matrix(c(2, 2))))
  if (!right) {
    refuse("build", "%s compiles formulas, and their results are wrong", compiler())
  }
  message(sprintf("keopsc works: %s", compiler()))
  invisible(TRUE)
}

# There is nothing that has to be installed beside the compiler.
install_rkeops <- function() check_rkeops()
