"""Formula files -> functions of arrays."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Dict, List, Optional, Sequence

from . import compiler, library
from .program import Plan, Variable, plan_of_entry, shapes_of_entry


class Function:
    """One output of a formula file (or a `fused` block), to be called with NumPy arrays or PyTorch tensors, by position or by name."""

    name: str
    path: str
    entry: library.Entry
    variables: List[Variable]
    plans: Dict[Any, Plan]

    def __init__(self, path: str, entry: library.Entry):
        self.name = entry.name
        self.path = path
        self.entry = entry
        self.variables = [Variable(tensor.name, tensor.role, tensor.dim) for tensor in entry.inputs]
        #: Plans by layouts; nothing but a cache.
        self.plans = {}

    def plan(self, layouts: Sequence[library.Layout], ranges: Any = (), streamed: Optional[int] = None) -> Plan:
        """The call for arguments of these layouts."""
        return plan_of_entry(self.entry, self.variables, layouts, ranges, streamed)

    def shapes(self, shapes: Sequence[Any], dtypes: Any, ranges: Any = ()) -> List[Any]:
        """The shapes and type names of all outputs, for arguments of these shapes and types."""
        return shapes_of_entry(self.entry, self.variables, shapes, dtypes, ranges)

    def __call__(self, *args: Any, ranges: Any = None, backend: str = "auto", device_id: int = -1, **named: Any) -> Any:
        """The result for these arrays, or a tuple of them; shapes are those of `Genred`.

        Raises ValueError for arrays that do not fit the file's declarations. Results have no derivatives of their own: declare them in the file.
        """
        names = [variable.name for variable in self.variables]
        unknown = [name for name in named if name not in names[len(args) :]]
        if unknown or len(args) + len(named) != len(names):
            raise TypeError(f"{self.name} takes the arguments {', '.join(map(str, self.variables))}")
        given = [*args, *(named[name] for name in names[len(args) :])]
        is_torch = any(type(array).__module__.partition(".")[0] == "torch" for array in given)
        arrays: ModuleType
        if is_torch:
            from .arrays import torch as arrays
        else:
            from .arrays import numpy as arrays
        given = [arrays.as_array(array) for array in given]
        results = arrays.evaluate_plainly(self, given, () if ranges is None else arrays.as_ranges(ranges), arrays.place(backend, device_id))
        results = [
            array.reshape((*array.shape[:-1], *tensor.shape)) if len(tensor.shape) > 1 else array
            for array, tensor in zip(results, self.entry.outputs)
        ]
        return results[0] if len(results) == 1 else tuple(results)

    def __repr__(self) -> str:
        return f"{self.path}: {self.name}({', '.join(map(str, self.variables))})"


class File:
    """The functions of a formula file, as attributes."""

    path: str
    functions: Dict[str, Function]

    def __init__(self, path: str, functions: Sequence[Function]):
        self.path = path
        self.functions = {function.name: function for function in functions}

    def __getattr__(self, name: str) -> Function:
        functions = self.__dict__.get("functions", {})
        if name not in functions:
            raise AttributeError(f"{self.__dict__.get('path')} has no output {name!r}; it has {', '.join(functions)}")
        return functions[name]

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self.functions]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.functions.values()))


def compile_file(path: Any, device: str = "cpu", **dims: int) -> File:
    """Compiles a formula file (through the compiler's cache) and returns its outputs as functions.

        gauss = keopsc.compile_file("gauss.kf", D=3)
        a = gauss.conv(x, y, b, sigma)

    dims: other values for what the file declares by `dim`; device: "cuda" to have code for this machine's GPUs in it.
    Raises `FormulaError` with the compiler's message where the file has errors.
    """
    options = [word for name, value in dims.items() for word in ("-D", f"{name}={value}")]
    loaded = library.load(compiler.compiled_file(str(path), device, tuple(options)))
    return File(str(path), [Function(str(path), entry) for entry in loaded.entries.values()])
