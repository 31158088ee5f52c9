"""The switches of KeOps' package `keopscore` that other packages set; they have no effect."""

from . import config

__all__ = ["auto_factorize", "config", "debug_ops", "debug_ops_at_exec", "verbose"]

auto_factorize = False
verbose: bool = False
debug_ops = False
debug_ops_at_exec = False
