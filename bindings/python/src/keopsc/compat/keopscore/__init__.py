"""The switches of KeOps' package `keopscore` that other packages set; they have no effect."""

auto_factorize = False
verbose = False
debug_ops = False
debug_ops_at_exec = False
