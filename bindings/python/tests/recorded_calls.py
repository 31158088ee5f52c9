"""Calls of which KeOps' answers are recorded, as functions of a module such as `pykeops.torch` or `keopsc.torch`.

KeOps compiles a formula for some seconds. So formulas are joined into groups, which are reduced together and split again; gradients of one formula of a
group are those for a cotangent that is 0 for all others.
"""

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np
from calls import KEOPS_FORMULAS, KEOPS_REDUCTIONS

#: Few rows, as all answers are written down.
M, N = 3, 4


class Case(NamedTuple):
    """A call: its name, the types that it is made with, and a function of a module and of what makes arrays of that module.

    The function returns arrays by name; `needs_torch` is whether it differentiates.
    """

    name: str
    dtype: str
    call: Callable[[Any, Callable[[Any], Any]], Dict[str, Any]]
    needs_torch: bool = False


def numbers(dtype: str, batch: Tuple[int, ...] = ()) -> List[np.ndarray]:
    """x (…, M, 3), y (…, N, 3), u (…, N, 1) and s (1,); y has the batch axes, x all of them with extent 1 but for the last."""
    random = np.random.default_rng(5)
    x_batch = tuple(1 if axis == 0 else extent for axis, extent in enumerate(batch))
    shapes = [(*x_batch, M, 3), (*batch, N, 3), (*batch, N, 1)]
    drawn = [random.standard_normal(shape) for shape in shapes]
    return [array.astype(dtype) for array in (*drawn, random.uniform(0.5, 1.5, 1))]


def lazy(module: Any, arrays: Sequence[Any]) -> List[Any]:
    """x, y, u and s as LazyTensors."""
    x, y, u, s = arrays
    return [module.LazyTensor(x[..., :, None, :]), module.LazyTensor(y[..., None, :, :]), module.LazyTensor(u[..., None, :, :]), module.LazyTensor(s)]


def weights(shape: Sequence[int]) -> np.ndarray:
    """A cotangent: numbers between -1 and 1, all different."""
    return np.cos(1.0 + np.arange(int(np.prod(shape)))).reshape(tuple(shape))


def gradients(value: Any, leaves: Sequence[Any], convert: Callable[[Any], Any], part: slice = slice(None)) -> List[Any]:
    """The gradients of a tensor in the leaves, for a cotangent that is `weights` in a part of the components, and 0 in all others."""
    import torch

    cotangent = np.zeros(value.shape)
    cotangent[..., part] = weights(cotangent[..., part].shape)
    found = torch.autograd.grad(value, leaves, convert(cotangent).to(value.dtype), allow_unused=True, retain_graph=True)
    return [torch.zeros_like(leaf) if gradient is None else gradient for gradient, leaf in zip(found, leaves)]


def _leaves(arrays: Sequence[np.ndarray], convert: Callable[[Any], Any]) -> List[Any]:
    return [convert(array).requires_grad_() for array in arrays]


# ---------------------------------------------------------------------- LazyTensors

#: KeOps' gradient of this formula in u, a single number beside vectors, has three components, which PyTorch refuses (docs/keops.md: broadcast gradient).
WITHOUT_GRADIENT = "ifelse"

#: The most formulas in a group: of more, gradients take longer to compile than of two groups.
GROUP = 8


def groups(names: Sequence[str]) -> List[List[str]]:
    """The names in parts: neighbours, which have more in common that is compiled once."""
    return [list(names[start : start + GROUP]) for start in range(0, len(names), GROUP)]


def places(parts: Sequence[Any]) -> List[slice]:
    """Where the components of each part are in `joined`."""
    ends = np.cumsum([part.ndim for part in parts])
    return [slice(int(end) - part.ndim, int(end)) for part, end in zip(parts, ends)]


def joined(module: Any, parts: Sequence[Any]) -> Any:
    """A LazyTensor of the components of all parts."""
    while len(parts) > 1:
        parts = [parts[k].concat(parts[k + 1]) if k + 1 < len(parts) else parts[k] for k in range(0, len(parts), 2)]
    return parts[0]


def _values(names: Sequence[str], dtype: str, batch: Tuple[int, ...], axis: int) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        parts = [KEOPS_FORMULAS[name](*lazy(module, [convert(array) for array in numbers(dtype, batch)])) for name in names]
        value = joined(module, parts).sum(len(batch) + axis)
        return {name: value[..., place] for name, place in zip(names, places(parts))}

    return call


def _gradients(names: Sequence[str], batch: Tuple[int, ...], axis: int) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        leaves = _leaves(numbers("float64", batch), convert)
        tensors = lazy(module, leaves)
        parts = [KEOPS_FORMULAS[name](*tensors) for name in names]
        value = joined(module, parts).sum(len(batch) + axis)
        return {
            f"{name}, {variable}": gradient
            for name, place in zip(names, places(parts))
            for variable, gradient in zip("xyus", gradients(value, leaves, convert, place))
        }

    return call


def _reduction(name: str, dtype: str, batch: Tuple[int, ...], axis: int) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        value = KEOPS_REDUCTIONS[name](*lazy(module, [convert(array) for array in numbers(dtype, batch)]), len(batch) + axis)
        parts = value if isinstance(value, (tuple, list)) else [value]
        return {str(number): part for number, part in enumerate(parts)}

    return call


def _reduction_gradient(name: str, batch: Tuple[int, ...], axis: int) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        leaves = _leaves(numbers("float64", batch), convert)
        value = KEOPS_REDUCTIONS[name](*lazy(module, leaves), len(batch) + axis)
        return dict(zip("xyus", gradients(value, leaves, convert)))

    return call


# ---------------------------------------------------------------------- complex numbers

#: Formulas of z (2 complex numbers for each i), w (the same for each j) and r (2 real numbers for each j).
COMPLEX_FORMULAS = {
    "add": lambda z, w, r: z + w,
    "sub": lambda z, w, r: z - w,
    "add real": lambda z, w, r: z + r,
    "real sub": lambda z, w, r: r - z,
    "mul": lambda z, w, r: z * w,
    "mul real": lambda z, w, r: z * r,
    "real mul": lambda z, w, r: r * z,
    "complex number mul real": lambda z, w, r: (1 + 2j) * r * z,
    "div": lambda z, w, r: z / w,
    "div real": lambda z, w, r: z / (r * r + 1),
    "neg": lambda z, w, r: -(z * w),
    "conj": lambda z, w, r: z.conj() * w,
    "exp": lambda z, w, r: (z * w).exp(),
    "inner sum": lambda z, w, r: (z * w).sum(-1),
    "exp1j": lambda z, w, r: r.exp1j() * z,
    "real2complex": lambda z, w, r: r.real2complex() * z,
    "imag2complex": lambda z, w, r: r.imag2complex() * z,
}
#: The same with real values.
REAL_OF_COMPLEX = {
    "real": lambda z, w, r: (z * w).real,
    "imag": lambda z, w, r: (z * w).imag,
    "abs": lambda z, w, r: (z * w).abs(),
    "angle": lambda z, w, r: (z * w).angle(),
}


def _complex(dtype: str, axis: int, differentiate: bool) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        random = np.random.default_rng(6)
        z, w = (random.standard_normal((rows, 2)) + 1j * random.standard_normal((rows, 2)) for rows in (M, N))
        arrays = [array.astype(dtype) for array in (z, w)] + [random.standard_normal((N, 2)).astype({"complex64": "float32"}.get(dtype, "float64"))]
        leaves = _leaves(arrays, convert) if differentiate else [convert(array) for array in arrays]
        tensors = [module.LazyTensor(leaves[0][:, None, :]), module.LazyTensor(leaves[1][None]), module.LazyTensor(leaves[2][None])]
        parts, names = [], []
        for name, formula in COMPLEX_FORMULAS.items():
            value = formula(*tensors)
            parts += [value.real, value.imag]
            names += [f"{name}, real part", f"{name}, imaginary part"]
        for name, formula in REAL_OF_COMPLEX.items():
            parts.append(formula(*tensors))
            names.append(name)
        value = joined(module, parts).sum(axis)
        if differentiate:
            return {
                f"{name}, {variable}": gradient
                for name, place in zip(names, places(parts))
                for variable, gradient in zip("zwr", gradients(value, leaves, convert, place))
            }
        return {name: value[:, place] for name, place in zip(names, places(parts))}

    return call


def _complex_result(axis: int) -> Callable[..., Dict[str, Any]]:
    """Complex arrays in, complex arrays out."""

    def call(module, convert):
        random = np.random.default_rng(7)
        z, w = (random.standard_normal((rows, 2)) + 1j * random.standard_normal((rows, 2)) for rows in (M, N))
        product = module.LazyTensor(convert(z)[:, None, :]) * module.LazyTensor(convert(w)[None])
        return {"sum": product.sum(axis)}

    return call


# ---------------------------------------------------------------------- products, ranges, calculus, linear systems


def _kernel(module: Any, x: Any, y: Any) -> Any:
    return (-((module.LazyTensor(x[..., :, None, :]) - module.LazyTensor(y[..., None, :, :])) ** 2).sum(-1) / 2).exp()


def _products(batch: Tuple[int, ...]) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        x, y, u, s = map(convert, numbers("float64", batch))
        kernel = _kernel(module, x, y)
        v = convert(weights((M, 2)) if not batch else weights((*batch, M, 2)))
        found = {"K @ u": kernel @ u, "K.T @ v": kernel.T @ v, "shape": convert(np.array(kernel.shape))}
        if not batch:
            found["K @ vector"] = kernel @ u[:, 0]
        return found

    return call


def _ranges(module: Any, convert: Callable[[Any], Any]) -> Dict[str, Any]:
    cluster = __import__(f"{module.__name__}.cluster", fromlist=["from_matrix"])
    x, y, u, s = map(convert, numbers("float64"))
    ranges = cluster.from_matrix(
        convert(np.array([[0, 1], [1, 3]], "int32")), convert(np.array([[0, 2], [2, 4]], "int32")), convert(np.array([[True, False], [True, True]]))
    )
    kernel = _kernel(module, x, y)
    return {f"{name}, axis {axis}": getattr(kernel, name)(axis=axis, ranges=ranges) for name in ("sum", "min", "logsumexp") for axis in (0, 1)}


def _calculus(module: Any, convert: Callable[[Any], Any]) -> Dict[str, Any]:
    x, y, u, s = (convert(array) for array in numbers("float64"))
    x, y = module.Vi(x), module.Vj(y)
    kernel = (-x.sqdist(y)).exp()
    one = module.LazyTensor(1)
    return {
        "grad": kernel.grad(x, one).sum(1),
        "laplacian": kernel.laplacian(x).sum(1),
        "divergence": kernel.grad(x, one).divergence(x).sum(1),
        "diff": kernel.diff(x, module.Pm(convert(np.ones(3)))).sum(1),
    }


def _solve(dtype: str, differentiate: bool) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        random = np.random.default_rng(8)
        arrays = [random.uniform(0, 1, (6, 2)).astype(dtype), random.standard_normal((6, 1)).astype(dtype), np.array([2.0], dtype)]
        x, b, g = _leaves(arrays, convert) if differentiate else map(convert, arrays)
        eps = 1e-12 if dtype == "float64" else 1e-5
        solver = module.KernelSolve("Exp(-SqDist(x, y) * g) * b", ["x = Vi(2)", "y = Vj(2)", "b = Vj(1)", "g = Pm(1)"], "b", axis=1)
        solution = solver(x, x, b, g, alpha=0.5, eps=eps)
        if differentiate:
            return dict(zip("xbg", gradients(solution, [x, b, g], convert)))
        kernel = (-module.Vi(x).sqdist(module.Vj(x)) * 2.0).exp()
        return {"KernelSolve": solution, "solve": kernel.solve(module.Vi(b), alpha=0.5, eps=eps)}

    return call


# ---------------------------------------------------------------------- Genred

_POINTS = ["x = Vi(3)", "y = Vj(3)"]
_GAUSSIAN = ("Exp(-SqDist(x, y) / s) * u", [*_POINTS, "u = Vj(1)", "s = Pm(1)"])

#: (formula, aliases, reduction, options of Genred), of the arguments x, y, u, s, as many as there are aliases.
GENREDS = {
    "Sum": (*_GAUSSIAN, "Sum", {}),
    "Sum in double precision": (*_GAUSSIAN, "Sum", {"dtype_acc": "float64"}),
    "Sum by Kahan": (*_GAUSSIAN, "Sum", {"sum_scheme": "kahan_scheme"}),
    "variables without names": ("Square(Var(0,3,0) - Var(1,3,1)) * Var(2,1,1)", [], "Sum", {}),
    "positions": ("Sum(x * y)", ["y = Vj(1, 3)", "x = Vi(0, 3)"], "Sum", {}),
    "LogSumExp": ("-SqDist(x, y)", _POINTS, "LogSumExp", {}),
    "LogSumExp with weights": ("-SqDist(x, y)", [*_POINTS, "u = Vj(1)"], "LogSumExp", {"formula2": "u * u"}),
    "SumSoftMaxWeight": ("-SqDist(x, y)", [*_POINTS, "u = Vj(1)"], "SumSoftMaxWeight", {"formula2": "Concat(u, y)"}),
    "Max": ("x * y", _POINTS, "Max", {}),
    "ArgMin": ("x - y", _POINTS, "ArgMin", {}),
    "Min_ArgMin": ("SqDist(x, y)", _POINTS, "Min_ArgMin", {}),
    "KMin": ("SqDist(x, y)", _POINTS, "KMin", {"opt_arg": 2}),
    "ArgKMin": ("x - y", _POINTS, "ArgKMin", {"opt_arg": 3}),
    "gradient": ("Grad(Exp(-SqDist(x, y)), x, u)", [*_POINTS, "u = Vj(1)"], "Sum", {}),
}


def _genred(name: str, dtype: str, axis: int, batch: Tuple[int, ...]) -> Callable[..., Dict[str, Any]]:
    def call(module, convert):
        formula, aliases, reduction, options = GENREDS[name]
        arrays = numbers(dtype, batch)
        if batch:
            arrays = [np.broadcast_to(arrays[0], (*batch, M, 3)).copy(), *arrays[1:3], np.broadcast_to(arrays[3], (*batch, 1)).copy()]
        value = module.Genred(formula, list(aliases), reduction, axis=axis, **options)(*map(convert, arrays[: len(aliases) or 3]))
        parts = value if isinstance(value, (tuple, list)) else [value]
        return {str(number): part for number, part in enumerate(parts)}

    return call


def _generics(module: Any, convert: Callable[[Any], Any]) -> Dict[str, Any]:
    x, y, u, s = map(convert, numbers("float64"))
    return {
        "generic_sum": module.generic_sum("SqDist(x, y) * u", "a = Vi(1)", *_POINTS, "u = Vj(1)")(x, y, u),
        "generic_logsumexp": module.generic_logsumexp("SqDist(x, y)", "a = Vj(1)", *_POINTS)(x, y),
        "generic_argmin": module.generic_argmin("SqDist(x, y)", "a = Vi(1)", *_POINTS)(x, y),
        "generic_argkmin": module.generic_argkmin("SqDist(x, y)", "a = Vi(3)", *_POINTS)(x, y),
    }


def cases() -> Iterator[Case]:
    """All calls, in the order of the recording."""
    for dtype in ("float64", "float32"):
        for batch in ((), (2,)):
            for axis in (1, 0):
                where = f"{dtype}, batch {batch}, axis {axis}"
                if dtype == "float32" and axis != len(batch):
                    continue
                for number, names in enumerate(groups(list(KEOPS_FORMULAS))):
                    yield Case(f"formulas {number}, {where}", dtype, _values(names, dtype, batch, axis))
                for name in KEOPS_REDUCTIONS:
                    yield Case(f"{name}, {where}", dtype, _reduction(name, dtype, batch, axis))
    for batch, axis in (((), 1), ((), 0), ((2,), 1)):
        for number, group in enumerate(groups(list(KEOPS_FORMULAS))):
            names = [name for name in group if name != WITHOUT_GRADIENT]
            yield Case(f"gradients of formulas {number}, batch {batch}, axis {axis}", "float64", _gradients(names, batch, axis), True)
    for batch, axis in (((), 1), ((2,), 0)):
        for name in ("sum", "logsumexp", "logsumexp_weight", "sumsoftmaxweight"):
            yield Case(f"gradients of {name}, batch {batch}, axis {axis}", "float64", _reduction_gradient(name, batch, axis), True)
    for dtype, axis in (("complex128", 1), ("complex128", 0), ("complex64", 1)):
        yield Case(f"complex numbers, {dtype}, axis {axis}", "float32" if dtype == "complex64" else "float64", _complex(dtype, axis, False))
    yield Case("gradients of complex numbers", "float64", _complex("complex128", 1, True), True)
    for axis in (1, 0):
        yield Case(f"complex results, axis {axis}", "float64", _complex_result(axis))
    for batch in ((), (2,)):
        yield Case(f"products, batch {batch}", "float64", _products(batch))
    yield Case("ranges", "float64", _ranges)
    yield Case("calculus", "float64", _calculus)
    yield Case("linear systems, float64", "float64", _solve("float64", False))
    yield Case("linear systems, float32", "float32", _solve("float32", False))
    yield Case("gradients of linear systems", "float64", _solve("float64", True), True)
    for name in GENREDS:
        yield Case(f"Genred {name}, axis 1", "float64", _genred(name, "float64", 1, ()))
        yield Case(f"Genred {name}, axis 0, batch (2,), float32", "float32", _genred(name, "float32", 0, (2,)))
    yield Case("generics", "float64", _generics)
