"""Writes what type checkers read of `keopsc.numpy` and `keopsc.torch`, whose classes are made when they are imported: `__init__.pyi` and `cluster.pyi`.

python stubs.py            # writes them anew; `tests/test_stubs.py` says where they are out of date
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "src"
sys.path.insert(0, str(SOURCE))

ARRAYS = {"numpy": ("import numpy", "numpy.ndarray[Any, Any]"), "torch": ("import torch", "torch.Tensor")}

#: Types of parameters that have none in the source, by their names.
PARAMETERS = {
    "a": "Any", "alpha": "float", "args": "Any", "axis": "Any", "b": "Any", "backend": "str", "call": "bool", "cuda_type": "Any", "device_id": "int", "dim": "Any",
    "dimfa": "Any", "dimfb": "Any", "contfa": "Any", "contfb": "Any", "dimfself": "Sequence[int]", "dimfother": "Sequence[int]", "dtype": "Any", "dtype_acc": "Any",
    "e": "Any", "eps": "float", "formula": "str", "g": "Any", "is_complex": "Any", "K": "int", "keep": "ARRAY", "kwargs": "Any", "lab": "ARRAY", "maxiter": "int | None",
    "min_weight": "float", "modulus": "Any", "Nlab": "Any", "offset": "Any", "opt_arg": "Any", "options": "Any", "other": "Any", "others": "Any", "out": "ARRAY | None",
    "output": "str", "aliases": "str", "permute": "Any", "ranges": "Any", "ranges_i": "ARRAY", "ranges_j": "ARRAY", "rec_multVar_highdim": "Any", "size": "Any", "u": "Any",
    "v": "Any", "var": "Any", "weight": "Any", "weights": "ARRAY | None", "weights_c": "Any", "x": "Any", "x_or_ind": "Any", "key": "Any", "cat": "int | None",
}  # fmt: skip

#: Methods that reduce: what a reduction over i or j returns, what comes before the axis, whether the components are reduced without an axis, with
#: axis=-1 alone, or never.
REDUCTIONS = {
    "sum": ("ARRAY", "", "default"),
    "mean": ("ARRAY", "", "default"),
    **{name: ("ARRAY", "", "axis") for name in ("min", "max", "argmin", "argmax")},
    **{name: ("tuple[ARRAY, ARRAY]", "", "never") for name in ("min_argmin", "max_argmax")},
    **{name: ("ARRAY", "", "never") for name in ("prod", "count", "any", "all")},
    **{name: ("ARRAY", "K: int, ", "never") for name in ("Kmin", "argKmin", "Kmax", "argKmax")},
    "logsumexp": ("ARRAY", "", "never"),
    "sumsoftmaxweight": ("ARRAY", "weight: Any, ", "never"),
    **{name: ("tuple[ARRAY, ARRAY]", "K: int, ", "never") for name in ("Kmin_argKmin", "Kmax_argKmax")},
}

#: Types of what is returned, where the source does not say it; all other methods of LazyTensors return LazyTensors.
RETURNS = {
    "dense": "ARRAY", "matvec": "ARRAY", "rmatvec": "ARRAY", "matmat": "ARRAY", "rmatmat": "ARRAY", "__matmul__": "ARRAY", "dtype": "Any", "reduction": "Any",
    "solve": "Any", "__call__": "Any", "grid_cluster": "ARRAY", "sort_clusters": "tuple[Any, ARRAY]",
    "cluster_ranges": "ARRAY", "cluster_centroids": "ARRAY", "cluster_ranges_centroids": "tuple[ARRAY, ARRAY, ARRAY]",
    "from_matrix": "tuple[ARRAY, ARRAY, ARRAY, ARRAY, ARRAY, ARRAY]", "swap_axes": "Any", "Var": "LazyTensor", "Vi": "LazyTensor", "Vj": "LazyTensor", "Pm": "LazyTensor",
    "generic_sum": "Genred", "generic_logsumexp": "Genred", "generic_argmin": "Genred", "generic_argkmin": "Genred", "__init__": "None", "formula": "str",
}  # fmt: skip

ATTRIBUTES = {
    "LazyTensor": ["Genred: type", "KernelSolve: type", "ranges: Any", "backend: str | None", "ni: int | None", "nj: int | None", "batchdims: tuple[int, ...] | None"],
    "Genred": ["formula: str", "aliases: list[str]", "reduction_op: str", "axis: int", "opt_arg: int | None", "formula2: str | None"],
    "KernelSolve": ["formula: str", "aliases: list[str]", "varinvalias: str", "axis: int"],
}
OPERATORS = [f"__{name}__" for name in (
    "init call getitem len abs add radd sub rsub mul rmul truediv rtruediv or ror neg pos mod rmod pow rpow eq ne lt gt le ge matmul").split()]  # fmt: skip
BASES = {"ComplexLazyTensor": "(LazyTensor)"}


def reduction_stubs(name: str, function) -> str:
    """The signatures of a method that reduces: an array over i or j, a function with `call=False`, a LazyTensor where the components are reduced."""
    returned, first, inner = REDUCTIONS[name]
    every = "axis: int | Sequence[int]" if name == "sum" else "axis: int"
    known = documented(function, "    ")
    lines = []
    if inner == "default":
        lines.append(f"def {name}(self, axis: Literal[-1] = ..., dim: Literal[-1] | None = ..., **options: Any) -> LazyTensor{known}")
    if inner == "axis":
        lines.append(f"def {name}(self, axis: Literal[-1], dim: None = ..., **options: Any) -> LazyTensor{known}")
    lines.append(f"def {name}(self, {first}{every}, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced{known}")
    lines.append(f"def {name}(self, {first}{every}, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> {returned}{known}")
    lines.append(f"def {name}(self, {first}axis: None = ..., *, dim: int, **options: Any) -> {returned}{known}")
    return "".join(f"    @overload\n    {line}" for line in lines)


def annotated(annotation, name: str, types: dict, default: str) -> str:
    """A type from the source, else from a table."""
    if annotation == "Any":
        return types.get(name, default)
    if annotation is not inspect.Parameter.empty and annotation is not None:
        return (
            str(annotation)
            .replace("'", "")
            .replace('"', "")
            .replace("Callable", "Any")
            .replace("ModuleType", "Any")
            .replace("Tuple[", "tuple[")
            .replace("List[", "list[")
            .replace("Dict[", "dict[")
        )
    return types.get(name, default)


def signature(name: str, function, is_method: bool, default: str) -> str:
    """`name(parameters) -> type` with a type for each."""
    found = []
    star = False
    for number, parameter in enumerate(inspect.signature(function).parameters.values()):
        if is_method and number == 0:
            found.append(parameter.name)
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            found.append("*")
            star = True
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        declared = parameter.annotation if isinstance(parameter.annotation, str) else parameter.empty
        types = {**PARAMETERS, "aliases": "str" if prefix else "Sequence[str]"}
        text = f"{prefix}{parameter.name}: {annotated(declared, parameter.name, types, 'Any')}"
        if parameter.default is not parameter.empty:
            text += " = ..."
        found.append(text)
    result = inspect.signature(function).return_annotation
    result = result if isinstance(result, str) else inspect.Parameter.empty
    return f"def {name}({', '.join(found)}) -> {annotated(result, name, RETURNS, default)}"


def documented(function, indent: str) -> str:
    """The first line of the documentation as a stub's body."""
    first = (function.__doc__ or "").strip().split("\n")[0]
    return f':\n{indent}    """{first}"""\n' if first else ": ...\n"


def class_stub(cls, base=None) -> str:
    """A class with its public methods and operators; of a derived class those that are its own."""
    lines = [f"class {cls.__name__}{BASES.get(cls.__name__, '')}:\n", f'    """{(inspect.getdoc(cls) or "").splitlines()[0]}"""\n\n']
    lines += [f"    {attribute}\n" for attribute in ATTRIBUTES.get(cls.__name__, [])]
    for name in [*OPERATORS, *sorted(n for n in dir(cls) if not n.startswith("_"))]:
        member = inspect.getattr_static(cls, name, None)
        if member is None or (base is not None and inspect.getattr_static(base, name, None) is member) or name in ("arrays", "node", "inputs"):
            continue
        if isinstance(member, property):
            lines.append(f"    @property\n    {signature(name, member.fget, True, 'LazyTensor')}{documented(member.fget, '    ')}")
        elif isinstance(member, staticmethod):
            lines.append(f"    @staticmethod\n    {signature(name, member.__func__, False, 'LazyTensor')}{documented(member.__func__, '    ')}")
        elif name in REDUCTIONS:
            lines.append(reduction_stubs(name, member))
        elif inspect.isfunction(member):
            override = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
            base_name = name.replace("_reduction", "")
            default = REDUCTIONS[base_name][0] if base_name in REDUCTIONS else "Any" if cls.__name__ in ("Genred", "KernelSolve") else "LazyTensor"
            head, body = signature(name, member, True, default), documented(member, "    ")
            lines.append(f"    {head}: ...{override}\n" if override else f"    {head}{body}")
    return "".join(lines)


def stubs(library: str) -> dict:
    """The two stubs of a module, by path."""
    module, cluster = importlib.import_module(f"keopsc.{library}"), importlib.import_module(f"keopsc.{library}.cluster")
    head, array = ARRAYS[library]
    notice = "# Written by stubs.py; do not edit.\n"
    lines = [
        notice,
        f"{head}\nfrom typing import Any, Literal, Optional, Sequence, overload\n\nfrom ..reduced import Reduced as Reduced\nfrom . import cluster as cluster\n\n",
    ]
    lines += [class_stub(getattr(module, name)) + "\n" for name in ("LazyTensor", "Genred", "KernelSolve")]
    lines.append(class_stub(module.ComplexLazyTensor, module.LazyTensor) + "\n")
    functions = [name for name in module.__all__ if inspect.isfunction(getattr(module, name))]
    lines += [f"{signature(name, getattr(module, name), False, 'Any')}{documented(getattr(module, name), '')}\n" for name in functions]
    lines.append(f"__all__ = {module.__all__!r}\n")
    of_clusters = [notice, f"{head}\nfrom typing import Any, Optional, Sequence\n\n"]
    of_clusters += [f"{signature(name, getattr(cluster, name), False, 'Any')}{documented(getattr(cluster, name), '')}\n" for name in cluster.__all__]
    folder = SOURCE / "keopsc" / library
    made = {folder / "__init__.pyi": "".join(lines), folder / "cluster.pyi": "".join(of_clusters) + f"__all__ = {cluster.__all__!r}\n"}
    return {path: text.replace("ARRAY", array) for path, text in made.items()}


def main() -> None:
    for library in ARRAYS:
        for path, text in stubs(library).items():
            path.write_text(text)


if __name__ == "__main__":
    main()
