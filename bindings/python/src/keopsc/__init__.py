"""Reductions of symbolic matrices, compiled: a drop-in for KeOps' `LazyTensor` and `Genred`, for NumPy and PyTorch."""

from .compiler import CompilerNotFound, FormulaError, clear_cache
from .files import compile_file
from .jit import jit
from .library import CallError, ShapeError

__version__ = "0.1.0"

__all__ = ["CallError", "CompilerNotFound", "FormulaError", "ShapeError", "__version__", "clear_cache", "compile_file", "jit"]
