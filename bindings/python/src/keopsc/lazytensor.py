"""Symbolic tensors: arrays of which each row counts i or j, combined by operators into formulas, reduced by compiled code.

A `LazyTensor` is a formula (`formula.Node`) and the list of its inputs: the arrays, numbers and places for arguments that the formula's variables stand
for. Operators merge the lists of their operands and look the new formula up; nothing is computed until a reduction is called.
"""

from __future__ import annotations

from numbers import Integral
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import formula, operations, reductions
from .formula import Node
from .inputs import Input, in_role, merged
from .methods import Methods
from .operations import DimensionError
from .options import split_options
from .program import broadcast, promoted
from .reduced import Reduced

ROLE_OF_CATEGORY = ("i", "j", "parameter")

_built: Dict[Tuple[Any, ...], Node] = {}


class LazyTensor(Methods):
    """A symbolic tensor of shape (…, M, N, D): the formula F(x_i, y_j, p), of D components, for all i and j.

    `x` may be

    - an array of shape (…, M, 1, D), whose rows count i; (…, 1, N, D), whose rows count j; (…, 1, 1, D), a parameter. Leading axes are batch axes;
    - an array of shape (…, M, D) with `axis=0`, or (…, N, D) with `axis=1`;
    - an array of shape (D,) or (), a float, or a list of floats: a parameter, the same for all pairs;
    - an integer: a constant;
    - a tuple (position, D, category) of integers: an argument of later calls, with a row for each i (category 0), each j (1), or a parameter (2).

    Raises ValueError for shapes that fit none of these, TypeError for other types.
    """

    __GenericLazyTensor__ = True
    __array_ufunc__ = None

    #: The module that knows the array library, and what `Genred` and `KernelSolve` are for it; set by the subclasses in `keopsc.numpy` and `keopsc.torch`.
    arrays: ModuleType
    Genred: type
    KernelSolve: type

    #: Block-sparse ranges: six integer arrays, or None for all pairs.
    ranges = None
    #: "auto", "CPU" or "GPU", or None: where reductions run.
    backend: Optional[str] = None

    node: Node
    #: The formula of weights, for a reduction that has them.
    second: Optional[Node] = None
    inputs: Tuple[Input, ...] = ()
    #: The number of rows, None where no input has them.
    ni: Optional[int] = None
    nj: Optional[int] = None
    #: The batch axes of all inputs together.
    batchdims: Optional[Tuple[int, ...]] = None
    _dtype: Optional[str] = None

    def __init__(self, x: Any = None, axis: Optional[int] = None, is_complex: bool = False):
        if x is None:
            return
        arrays = self.arrays
        if type(x) is arrays.array_type:
            self._init_array(x, axis, is_complex)
        elif type(x) is tuple:
            self._init_argument(x, axis, is_complex)
        elif type(x) is int or type(x) is bool:
            self.node = formula.integer(int(x))
        elif isinstance(x, list):
            self._init_numbers(x, axis)
        elif arrays.is_float(x) or isinstance(x, complex):
            self._init_numbers([x], axis)
        elif arrays.is_array(x):
            self._init_array(x, axis, is_complex)
        else:
            raise TypeError(
                f"a LazyTensor is made of a {arrays.name}, a number, a list of numbers or a tuple (position, dim, category), "
                f"not of {type(x).__module__}.{type(x).__qualname__}"
            )
        if self.node.is_complex:
            self.__class__ = self._complex_class

    def _init_argument(self, triple: Tuple[Any, ...], axis, is_complex: bool) -> None:
        if len(triple) != 3 or not all(isinstance(number, int) for number in triple):
            raise ValueError(f"a tuple has to be (position, dim, category), three integers, not {triple!r}")
        position, dim, category = triple
        if axis is not None:
            raise ValueError("axis is told by the third number of the tuple")
        if category not in (0, 1, 2) or position < 0 or dim < 1:
            raise ValueError(f"(position, dim, category) = {triple!r}: a position from 0 on, a dim from 1 on and a category 0, 1 or 2 are needed")
        role = ROLE_OF_CATEGORY[category]
        self.inputs = (Input(role, position=position, is_complex=is_complex),)
        self.node = formula.variable(0, role, dim * (1 + is_complex), is_complex)

    def _init_numbers(self, numbers: List[Any], axis) -> None:
        if axis not in (None, 2):
            raise ValueError(f"a list of numbers is a parameter: axis may be 2, not {axis!r}")
        is_complex = any([isinstance(number, complex) for number in numbers])
        if is_complex:
            values = tuple(part for number in numbers for part in (complex(number).real, complex(number).imag))
        else:
            values = tuple(map(float, numbers))
        if not values:
            raise ValueError("an empty list is no parameter: a LazyTensor has at least one component")
        self.inputs = (Input("parameter", numbers=values),)
        self.node = formula.variable(0, "parameter", len(values), is_complex)

    def _init_array(self, source, axis, is_complex: bool) -> None:
        arrays = self.arrays
        array = source
        if type(array) is not arrays.array_type or array.dtype not in arrays.REAL_TYPES:
            array = arrays.as_array(source)
            is_complex = is_complex or arrays.is_complex(array)
        shape = array.shape
        rank = len(shape)
        if rank >= 3 and axis is None:
            if shape[-3] == 1 and shape[-2] == 1:
                role, array = "parameter", array.squeeze(-2).squeeze(-2)
            elif shape[-3] == 1:
                role, array = "j", array.squeeze(-3)
            elif shape[-2] == 1:
                role, array = "i", array.squeeze(-2)
            else:
                shape = tuple(shape)
                raise ValueError(f"an array of shape {shape} is neither (…, M, 1, D) nor (…, 1, N, D) nor (…, 1, 1, D); or say axis=0 or axis=1")
        elif rank >= 2 and axis in (0, 1):
            role = "ij"[axis]
        elif (rank < 2 and axis in (None, 2)) or axis == 2:
            role, array = "parameter", array.reshape(1) if rank == 0 else array
        else:
            raise ValueError(_wrong_axis(tuple(shape), axis))
        if is_complex:
            array = arrays.as_real(array)
        shape = array.shape
        if shape[-1] == 0:
            raise ValueError(f"an array of shape {tuple(source.shape)} has no components, and a LazyTensor has at least one")
        own = 1 if role == "parameter" else 2
        if role == "i":
            self.ni = shape[-2]
        elif role == "j":
            self.nj = shape[-2]
        if len(shape) > own:
            self.batchdims = tuple(shape[:-own])
        self.inputs = (Input(role, array, source=source),)
        self.node = formula.variable(0, role, shape[-1], is_complex)
        self._dtype = arrays.REAL_TYPES[array.dtype]

    # ------------------------------------------------------------------ combining

    def _operand(self, other) -> "LazyTensor":
        """The other operand of an operator as a LazyTensor."""
        if isinstance(other, self._plain_class):
            return other
        if other is None:  # LazyTensor(None) is one without a formula
            raise TypeError("None is no operand of a LazyTensor")
        return self._plain_class(other)

    def _apply(
        self,
        template: str,
        dim: Callable[..., int],
        others: Sequence[Any] = (),
        is_complex: bool = False,
        name: str = "",
        of_complex: Optional[bool] = None,
    ) -> "LazyTensor":
        """An operation on this and other LazyTensors, as a new one.

        is_complex: whether its values are complex numbers; of_complex: whether the operands may be, too, which they may where the values are, by default.
        """
        made = self._alike(self._complex_class if is_complex else self._plain_class)
        key: Tuple[Any, ...] = (template, self.node)
        operands = [self]
        for other in others:
            operand = self._operand(other)
            key += (operand.node, self._join(made, operand))
            operands.append(operand)
        node = _built.get(key)
        if node is None:
            if not (is_complex if of_complex is None else of_complex):
                _refuse_complex(operands, name or template.partition("(")[0])
            node = _remember(key, _new_node(template, dim, operands, key[1:], is_complex, name))
        made.node = node
        return made

    def _alike(self, cls: "type[LazyTensor]") -> "LazyTensor":
        """A LazyTensor of the same inputs, sizes and options, which has no formula yet."""
        made = object.__new__(cls)
        made.inputs, made.ni, made.nj, made.batchdims, made._dtype = self.inputs, self.ni, self.nj, self.batchdims, self._dtype
        made.ranges, made.backend = self.ranges, self.backend
        return made

    def _join(self, made: "LazyTensor", other: "LazyTensor") -> Optional[Tuple[int, ...]]:
        """Puts the inputs, sizes and options of another operand into those of `made`.

        Returns the slots that its inputs have there, or None where these are the same.
        """
        theirs = other.inputs
        if not theirs:
            return ()
        slots = None
        if made.inputs:
            made.inputs, slots = merged(made.inputs, theirs)
        else:
            made.inputs = theirs
        if other.ni is not None and other.ni != made.ni:
            made.ni = self._only_rows("i", made.ni, other.ni, other)
        if other.nj is not None and other.nj != made.nj:
            made.nj = self._only_rows("j", made.nj, other.nj, other)
        if other._dtype is not None and other._dtype != made._dtype:
            made._dtype = promoted((made._dtype or other._dtype, other._dtype))
        if other.batchdims is not None and other.batchdims != made.batchdims:
            made.batchdims = self._common_batch(made.batchdims, other)
        if other.ranges is not None and other.ranges is not made.ranges:
            if made.ranges is not None and any(a is not b for a, b in zip(made.ranges, other.ranges)):
                raise ValueError("the operands have different ranges")
            made.ranges = other.ranges
        if other.backend is not None and other.backend != made.backend:
            if made.backend is not None:
                raise ValueError("the operands have different backend")
            made.backend = other.backend
        return slots

    def _only_rows(self, index: str, mine: Optional[int], theirs: int, other: "LazyTensor") -> int:
        """The number of rows of an index that another operand has, too."""
        if mine is None:
            return theirs
        raise ValueError(f"the operands have shapes {self.shape} and {other.shape}: {mine} and {theirs} rows for the index {index}, which both count")

    def _common_batch(self, mine: Optional[Tuple[int, ...]], other: "LazyTensor") -> Tuple[int, ...]:
        """The batch axes together with those of another operand."""
        try:
            return broadcast(mine or (), tuple(other.batchdims or ()))
        except ValueError:
            raise ValueError(f"the batch axes of operands of shapes {self.shape} and {other.shape} do not broadcast") from None

    def _with(self, **changes) -> "LazyTensor":
        """A copy with other attributes."""
        result = object.__new__(self.__class__)
        result.__dict__.update(self.__dict__, **changes)
        return result

    # ------------------------------------------------------------------ what it is

    @property
    def is_complex(self) -> bool:
        """Whether the values are complex numbers."""
        return self.node.is_complex

    @property
    def ndim(self) -> int:
        """The number of components D; for complex numbers, of real and imaginary parts together."""
        return self.node.dim

    @property
    def nbatchdims(self) -> int:
        """The number of batch axes."""
        return len(self.batchdims or ())

    @property
    def _shape(self) -> Tuple[int, ...]:
        return (*(self.batchdims or ()), self.ni or 1, self.nj or 1, self.node.dim)

    @property
    def shape(self) -> Tuple[int, ...]:
        """(…, M, N, D), or (…, M, N) where D is 1. M and N are 1 where nothing tells them."""
        dim = self.node.dim // (2 if self.node.is_complex else 1)
        shape = (*(self.batchdims or ()), 1 if self.ni is None else self.ni, 1 if self.nj is None else self.nj)
        return shape if dim == 1 else (*shape, dim)

    def dim(self) -> int:
        """The number of axes of the shape (…, M, N, D)."""
        return len(self._shape)

    @property
    def dtype(self) -> Any:
        """The type of the values, as the array library calls it; None where there are only numbers."""
        return self.arrays.dtype(self._dtype, self.node.is_complex)

    @property
    def formula(self) -> str:
        """The formula as text."""
        return str(self.node)

    @property
    def formula2(self) -> Optional[str]:
        """The formula of weights as text, or None."""
        return None if self.second is None else str(self.second)

    @property
    def variables(self) -> Tuple[Any, ...]:
        """The arrays and lists of numbers that the formula is about."""
        return tuple(i.array if i.array is not None else list(i.numbers) for i in self.inputs if i.position is None)

    @property
    def symbolic_variables(self) -> Tuple[Tuple[int, int, int], ...]:
        """The (position, dim, category) of what later calls have to give."""
        return tuple(self._triple(slot) for slot, own in enumerate(self.inputs) if own.position is not None)

    def _triple(self, slot: int) -> Tuple[int, int, int]:
        leaf = next(part for part in formula.in_order(self.node) if not part.text and part.args[0] == slot)
        return (self.inputs[slot].position or 0, leaf.dim, ROLE_OF_CATEGORY.index(leaf.args[1]))

    @property
    def axis(self) -> Optional[int]:
        """For a single variable: 0 if its rows count i, 1 for j, 2 for a parameter; else None."""
        return ROLE_OF_CATEGORY.index(self.node.args[1]) if not self.node.text else None

    def __str__(self) -> str:
        return f"{type(self).__name__}\n    formula: {self.node.short()}\n    shape: {self.shape}"

    __repr__ = __str__

    def __bool__(self) -> bool:
        raise ValueError(f"a symbolic tensor of shape {self.shape} is neither true nor false: comparisons are formulas, too, of ones and zeros")

    # Without these Python and NumPy ask for components until there are no more.
    def __iter__(self) -> Any:
        raise TypeError(f"a symbolic tensor of shape {self.shape} is not iterated over: K[k] is component k of its entries")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"a symbolic tensor of shape {self.shape} is no array: only reductions have numbers, such as K.sum(axis=1) or K @ b")

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> Dict[str, Any]:
        trees = {name: part for name, part in self.__dict__.items() if isinstance(part, Node)}
        return {**self.__dict__, **dict.fromkeys(trees), "nodes": (tuple(trees), formula.packed(*trees.values()))}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        names, packed = state["nodes"]
        self.__dict__.update(state, **dict(zip(names, formula.unpacked(packed))))
        del self.__dict__["nodes"]

    # ------------------------------------------------------------------ operators

    def __add__(self, other: Any) -> "LazyTensor":
        return self._elementwise("({0} + {1})", "ComplexAdd({0}, {1})", other, "+")

    __radd__ = __add__

    def __sub__(self, other: Any) -> "LazyTensor":
        return self._elementwise("({0} - {1})", "ComplexSubtract({0}, {1})", other, "-")

    def __rsub__(self, other: Any) -> "LazyTensor":
        return self._operand(other) - self

    def __mul__(self, other: Any) -> "LazyTensor":
        other = self._operand(other)
        if self.node.is_complex != other.node.is_complex:
            number, real = (self, other) if self.node.is_complex else (other, self)
            return real._apply("RealTimesComplex({0}, {1})", _real_times_complex, (number,), True, "*")
        return self._elementwise("({0} * {1})", "ComplexMult({0}, {1})", other, "*")

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "LazyTensor":
        other = self._operand(other)
        if self.node.is_complex and not other.node.is_complex:
            return self._apply("ComplexOverReal({0}, {1})", lambda f, g: _real_times_complex(g, f), (other,), True, "/")
        return self._elementwise("({0} / {1})", "ComplexDivide({0}, {1})", other, "/")

    def __rtruediv__(self, other: Any) -> "LazyTensor":
        return self._operand(other) / self

    def __or__(self, other: Any) -> "LazyTensor":
        """The scalar product of vectors."""
        return self._apply("({0} | {1})", operations.common_to_one, (other,), name="|")

    def __ror__(self, other: Any) -> "LazyTensor":
        return self._operand(other) | self

    def __neg__(self) -> "LazyTensor":
        return self._apply("(-{0})", operations.same, is_complex=self.node.is_complex)

    def __pos__(self) -> "LazyTensor":
        return self

    def __abs__(self) -> "LazyTensor":
        return self.abs()

    def __mod__(self, other: Any) -> "LazyTensor":
        return self.mod(other)

    def __rmod__(self, other: Any) -> "LazyTensor":
        return self._operand(other).mod(self)

    def __pow__(self, other: Any) -> "LazyTensor":
        return self.power(other)

    def __rpow__(self, other: Any) -> "LazyTensor":
        return self._operand(other).power(self)

    def __eq__(self, other: Any) -> "LazyTensor":
        return self._apply("Equal({0}, {1})", operations.common, (other,), name="==")

    def __ne__(self, other: Any) -> "LazyTensor":
        return self._apply("NotEqual({0}, {1})", operations.common, (other,), name="!=")

    def __lt__(self, other: Any) -> "LazyTensor":
        return self._apply("({0} < {1})", operations.common, (other,), name="<")

    def __gt__(self, other: Any) -> "LazyTensor":
        return self._apply("({0} > {1})", operations.common, (other,), name=">")

    def __le__(self, other: Any) -> "LazyTensor":
        return self._apply("({0} <= {1})", operations.common, (other,), name="<=")

    def __ge__(self, other: Any) -> "LazyTensor":
        return self._apply("({0} >= {1})", operations.common, (other,), name=">=")

    def _elementwise(self, real: str, complex_: str, other, name: str) -> "LazyTensor":
        """An operator on components: real numbers become complex where one operand is."""
        other = self._operand(other)
        if not self.node.is_complex and not other.node.is_complex:
            return self._apply(real, operations.common, (other,), name=name)
        left, right = self._both_complex(other)
        return left._apply(complex_, _common_complex, (right,), True, name)

    def _both_complex(self, other: "LazyTensor") -> "List[LazyTensor]":
        """Both operands as complex numbers."""
        return [operand if operand.node.is_complex else operand.real2complex() for operand in (self, other)]

    def power(self, other: Any) -> "LazyTensor":
        """Each component to a power: an integer, a float, or a LazyTensor."""
        if type(other) is int:
            if self.node.is_complex:
                return self._apply(f"ComplexIntPow({{0}}, {other})", operations.same, is_complex=True)
            return self.square() if other == 2 else self._apply(f"Pow({{0}}, {other})", operations.same)
        if type(other) is float and not self.node.is_complex and other in (0.5, -0.5):
            return self.sqrt() if other > 0 else self.rsqrt()
        other = self._operand(other)
        return self._elementwise("Powf({0}, {1})", "ComplexPow({0}, {1})", other, "**")

    # ------------------------------------------------------------------ methods that the table does not have

    def mod(self, modulus: Any, offset: Any = 0) -> "LazyTensor":
        """`self` modulo `modulus`, in [offset, offset + modulus), with the sign of the modulus."""
        return self._apply("Mod({0}, {1}, {2})", operations.common, (modulus, offset), name="mod")

    def round(self, digits: int = 0) -> "LazyTensor":
        """Rounded to so many decimal digits; halves away from zero."""
        return self._apply(f"Round({{0}}, {int(digits)})", operations.same)

    def norm(self, dim: int = -1) -> "LazyTensor":
        """The Euclidean norm of the vector: a single number."""
        if dim not in (-1, self.dim() - 1):
            raise ValueError(f"dim is {dim}; the norm is that of the vector of components, along axis -1 or {self.dim() - 1}")
        return self.norm2()

    def elem(self, i: int) -> "LazyTensor":
        """Component `i`, from 0 on; counted from the end if it is negative."""
        dim = self.node.dim // (2 if self.node.is_complex else 1)
        if not -dim <= i < dim:
            raise ValueError(f"component {i} of a LazyTensor of shape {self.shape}, which has {dim}")
        i %= dim
        return self.extract(i, 1) if self.node.is_complex else self._apply(f"Elem({{0}}, {i})", operations.one)

    def extract(self, i: int, d: int) -> "LazyTensor":
        """The `d` components from `i` on."""
        i, d, step = int(i), int(d), 2 if self.node.is_complex else 1
        if i < 0 or d < 1 or (i + d) * step > self.node.dim:
            raise ValueError(f"components {i} to {i + d - 1} of a LazyTensor of shape {self.shape}, which has {self.node.dim // step}")
        return self._apply(f"Extract({{0}}, {i * step}, {d * step})", lambda _: d * step, is_complex=self.node.is_complex)

    def __getitem__(self, key: Any) -> "LazyTensor":
        """Components, and rows of i and j.

        `x[k]` and `x[k:l]` are components. `x[…, rows of i, rows of j, components]` takes integers or slices without steps for components, and integers,
        slices or arrays of integers for rows. The axes that integers choose from stay, with one row.

        Raises ValueError for what cannot be chosen, IndexError for rows that are not there.
        """
        if not isinstance(key, tuple):
            return self if key is Ellipsis else self._components(key)
        if any(part is Ellipsis for part in key):
            place = next(number for number, part in enumerate(key) if part is Ellipsis)
            missing = self.dim() - (len(key) - 1)
            key = (*key[:place], *[slice(None)] * missing, *key[place + 1 :])
        elif len(key) == self.dim() - 1:
            key = (*key, slice(None))
        if len(key) != self.dim():
            raise ValueError(f"{len(key)} indices for a LazyTensor of shape {self.shape}")
        *batch, rows_i, rows_j, components = key
        if any(part != slice(None) for part in batch):
            raise ValueError("batch axes of a LazyTensor cannot be indexed")
        result = self._rows(rows_i, "i", "ni")._rows(rows_j, "j", "nj")
        return result if isinstance(components, slice) and components == slice(None) else result._components(components)

    def _components(self, key) -> "LazyTensor":
        if isinstance(key, slice):
            start, stop, step = key.indices(self.node.dim // (2 if self.node.is_complex else 1))
            if step != 1:
                raise ValueError("slices of components have no steps")
            return self.extract(start, stop - start)
        if isinstance(key, Integral):
            return self.elem(int(key))
        raise ValueError(f"components are told by an integer or a slice, not by {key!r}")

    def _rows(self, key, role: str, size: str) -> "LazyTensor":
        """The rows of i or j that a slice or an array of integers chooses."""
        if isinstance(key, slice) and key == slice(None):
            return self
        if self.ranges is not None:
            raise ValueError("rows of a LazyTensor with ranges cannot be chosen: the ranges count all of them")
        count = getattr(self, size)
        if count is None:
            raise ValueError(f"rows of {role} cannot be chosen from a LazyTensor of shape {self.shape}, in which no array has them")
        if any(own.role == role and own.position is not None for own in self.inputs):
            raise ValueError(f"rows of {role} cannot be chosen from a LazyTensor with arguments of later calls that have them")
        if isinstance(key, Integral):
            if not -count <= key < count:
                raise IndexError(f"row {key} of {role} of a LazyTensor of shape {self.shape}, which has {count}")
            key = slice(key, key + 1 if key != -1 else None)
        inputs = tuple(Input(role, own.array[..., key, :]) if own.role == role and own.array is not None else own for own in self.inputs)
        rows = next((own.array.shape[-2] for own in inputs if own.role == role and own.array is not None), None)
        return self._with(inputs=inputs, **{size: rows})

    def concat(self, other: Any) -> "LazyTensor":
        """The components of `self`, then those of `other`; real numbers become complex where one of both is."""
        left, right = self, self._operand(other)
        if left.node.is_complex or right.node.is_complex:
            left, right = left._both_complex(right)
        return left._apply("Concat({0}, {1})", lambda a, b: a + b, (right,), left.node.is_complex, "concat")

    def one_hot(self, D: int) -> "LazyTensor":
        """The vector of `D` components that is 1 at the place that the number, rounded, tells, and 0 elsewhere."""
        if not isinstance(D, Integral):
            raise ValueError(f"one_hot needs the number of components, an integer, not {D!r}")
        D = int(D)
        if self.node.dim != 1:
            raise ValueError(f"one_hot is for single numbers, not for a LazyTensor of shape {self.shape}")
        return self._apply(f"OneHot({{0}}, {D})", lambda _: D)

    def bspline(self, x: Any, k: int = 0) -> "LazyTensor":
        """The B-splines of order `k` with the knots `self`, at the number `x`."""
        return self._apply(f"BSpline({{0}}, {{1}}, {k})", lambda knots, _: knots - k - 1, (x,), name="bspline")

    @staticmethod
    def concatenate(tensors: Sequence["LazyTensor"], axis: int = -1) -> "LazyTensor":
        """The components of all LazyTensors, one after the other."""
        if not tensors or not isinstance(tensors[0], LazyTensor):
            raise ValueError("concatenate needs a tuple of at least one LazyTensor")
        if axis not in (-1, tensors[0].dim() - 1):
            raise ValueError(f"axis is {axis}; LazyTensors are concatenated along their components, axis -1 or {tensors[0].dim() - 1}")
        result = tensors[0]
        for other in tensors[1:]:
            result = result.concat(other)
        return result

    @staticmethod
    def cat(tensors: Sequence["LazyTensor"], dim: int = -1) -> "LazyTensor":
        """PyTorch's name of `concatenate`."""
        return LazyTensor.concatenate(tensors, dim)

    def keops_tensordot(self, other: Any, dimfa: Any, dimfb: Any, contfa: Any, contfb: Any, *permute: Any) -> "LazyTensor":
        """The contraction of two tensors of shapes `dimfa` and `dimfb` over the axes `contfa` and `contfb`; `permute` says where the axes that are
        kept go."""
        lists = [[axes] if isinstance(axes, int) else [int(axis) for axis in axes] for axes in (dimfa, dimfb, contfa, contfb, *permute)]
        kept = 1
        for dims, contracted in ((lists[0], lists[2]), (lists[1], lists[3])):
            for axis, extent in enumerate(dims):
                kept *= 1 if axis in contracted else extent
        arguments = ", ".join(str(axes) for axes in lists)
        return self._apply(f"TensorDot({{0}}, {{1}}, {arguments})", lambda *_: kept, (other,), name="keops_tensordot")

    def keops_kron(self, other: Any, dimfself: Any, dimfother: Any) -> "LazyTensor":
        """The Kronecker product of two tensors of shapes `dimfself` and `dimfother`."""
        arguments = ", ".join(str([int(extent) for extent in dims]) for dims in (dimfself, dimfother))
        return self._apply(f"Kron({{0}}, {{1}}, {arguments})", lambda a, b: a * b, (other,), name="keops_kron")

    def difference_matrix(self, other: Any) -> "LazyTensor":
        """All differences of a component of `self` and one of `other`, row by row."""
        other = self._operand(other)
        ones = [self._plain_class([1.0] * operand.node.dim) for operand in (other, self)]
        return self.tensorprod(ones[0]) - ones[1].tensorprod(other)

    # ------------------------------------------------------------------ derivatives of formulas

    def grad(self, v: Any, e: Any) -> "LazyTensor":
        """The gradient in the variable `v`, for a cotangent `e` with as many components as `self`."""
        return self._apply("Grad({0}, {1}, {2})", lambda f, x, g: x, (v, e), v.node.is_complex, "grad", of_complex=True)

    def diff(self, v: Any, u: Any) -> "LazyTensor":
        """The derivative in the variable `v` along the direction `u`."""
        return self._apply("Diff({0}, {1}, {2})", lambda f, x, t: f, (v, u), self.node.is_complex, "diff", of_complex=True)

    def grad_matrix(self, v: Any) -> "LazyTensor":
        """The gradients in the variable `v` of all components, one after the other."""
        return self._apply("GradMatrix({0}, {1})", lambda f, x: f * x, (v,), name="grad_matrix")

    def divergence(self, v: Any) -> "LazyTensor":
        """The divergence in the variable `v`, which has as many components as `self`."""
        return self._apply("Divergence({0}, {1})", operations.common_to_one, (v,), name="divergence")

    def laplacian(self, v: Any) -> "LazyTensor":
        """The Laplacian in the variable `v`."""
        return self._apply("Laplacian({0}, {1})", operations.one, (v,), name="laplacian")

    def trace_operator(self, v: Any) -> "LazyTensor":
        """The trace of `self` as a linear function of the variable `v`, which no argument has to be given for."""
        result = self._apply("TraceOperator({0}, {1})", operations.common_to_one, (v,), name="trace_operator")
        variable = v.inputs[0]
        if variable.position is None:
            return result
        zeros = Input("parameter", numbers=(0.0,) * v.node.dim)
        inputs = tuple(zeros if own.is_same(variable) else own for own in result.inputs)
        slots = tuple(range(len(inputs)))
        return result._with(inputs=inputs, node=formula.renamed(result.node, slots, {inputs.index(zeros): "parameter"}))

    def factorize(self, g: Any) -> "LazyTensor":
        """`self`: the compiler computes common parts once without being told."""
        return self

    def auto_factorize(self) -> "LazyTensor":
        """`self`: the compiler computes common parts once without being told."""
        return self

    # ------------------------------------------------------------------ complex numbers

    def real2complex(self) -> "LazyTensor":
        """The same numbers as complex ones."""
        return self._apply("Real2Complex({0})", lambda d: 2 * d, is_complex=True)

    def imag2complex(self) -> "LazyTensor":
        """The same numbers times 1j."""
        return self._apply("Imag2Complex({0})", lambda d: 2 * d, is_complex=True)

    def exp1j(self) -> "LazyTensor":
        """exp(1j * x), for angles in radians."""
        return self._apply("ComplexExp1j({0})", lambda d: 2 * d, is_complex=True)

    # ------------------------------------------------------------------ reductions

    def reduction(
        self,
        reduction_op: str,
        other: Any = None,
        opt_arg: Optional[int] = None,
        axis: Any = None,
        dim: Any = None,
        call: bool = True,
        is_complex: Any = None,
        **options: Any,
    ) -> Any:
        """A reduction over i or j.

        reduction_op: a name such as "Sum" or "LogSumExp"; other: weights; opt_arg: the length of lists; axis or dim: the axis that is reduced, the number
        of batch axes for i, or one more for j; call: False for a function that reduces when it is called, with the arguments of the LazyTensors that are
        symbolic.
        options: of the computation, dtype_acc, use_double_acc, sum_scheme, products; of the call, backend, device_id, ranges, out.

        Returns an array (…, M, D) for a reduction over j, (…, N, D) over i.
        """
        axis = axis if dim is None else dim
        lines = self._reduced(reduction_op, axis, options, other, opt_arg)
        return lines() if call and not lines.needs_arguments else lines

    def _reduced(self, name: str, axis, options: Dict[str, Any], other=None, count=None, total: bool = False) -> Reduced:
        """A reduction that waits for its call; see `reduction`. total: whether the rows of the result are added up."""
        over = self._index_of_axis(axis, name)
        call_options, numerics = split_options(options)
        if self.node.is_complex and name not in reductions.OF_COMPLEX:
            raise ValueError(f"{name} is not defined for complex numbers; {' and '.join(reductions.OF_COMPLEX)} are")
        weighted = self if other is None else self._merged_with(other)
        if count is not None and isinstance(count, Integral):
            count = int(count)  # NumPy's integers are no good as parts of keys: PyTorch's tracer cannot hash them
        return Reduced(weighted, name, over, count, numerics, call_options, total)

    def _merged_with(self, other) -> "LazyTensor":
        """This with another one beside it, as the operands of a reduction."""
        other = self._operand(other)
        _refuse_complex((other,), "weights")
        made = self._alike(self.__class__)
        made.node, made.second = _renamed_parts((self.node, other.node, self._join(made, other)))
        return made

    def _index_of_axis(self, axis, what: str) -> str:
        batch = self.nbatchdims
        if isinstance(axis, int) and -3 <= axis < 0:
            axis += batch + 3
        if axis == batch:
            return "i"
        if axis == batch + 1:
            return "j"
        if batch and axis in (0, 1) and not isinstance(axis, bool):
            raise ValueError(
                f"axis {axis} of a LazyTensor of shape {self.shape} is a batch axis; {what} reduces over axis {batch} (i) or {batch + 1} (j)"
            )
        raise ValueError(f"{what} of a LazyTensor of shape {self.shape} is over axis {batch} (i) or {batch + 1} (j), not {axis!r}")

    def _is_inner(self, axis) -> bool:
        return axis == -1 or axis == self.nbatchdims + 2

    def sum(self, axis: Any = -1, dim: Any = None, **options: Any) -> Any:
        """The sum over i, over j, or of the components (axis=-1): see `reduction`; of the components it is a LazyTensor."""
        axis = axis if dim is None else dim
        if isinstance(axis, (tuple, list)):
            return self._sum_over_axes([a if a >= 0 else a + self.nbatchdims + 3 for a in axis], options)
        if self._is_inner(axis):
            return self._apply("Sum({0})", operations.one)
        return self.reduction("Sum", axis=axis, **options)

    def _sum_over_axes(self, axes: List[int], options):
        """The sum over several axes: components first, then j or i, and the rest of the result."""
        batch = self.nbatchdims
        if not set(axes) <= {batch, batch + 1, batch + 2}:
            raise ValueError(f"axes {tuple(axes)} of a LazyTensor of shape {self.shape}: sums are over axes {batch}, {batch + 1} and {batch + 2}")
        inner = self.sum(-1) if batch + 2 in axes else self
        over = [axis for axis in (batch + 1, batch) if axis in axes]
        if not over:
            return inner
        call = options.pop("call", True)
        lines = inner._reduced("Sum", over[0], options, total=len(over) == 2)
        return lines() if call and not lines.needs_arguments else lines

    def mean(self, axis: Any = -1, dim: Any = None, **options: Any) -> Any:
        """The mean over i, over j, or of the components (axis=-1)."""
        axis = axis if dim is None else dim
        if self._is_inner(axis):
            return self.sum(-1) / (self.node.dim // (2 if self.node.is_complex else 1))
        return self.reduction("Mean", axis=axis, **options)

    def logsumexp(self, axis: Any = None, dim: Any = None, weight: Any = None, other: Any = None, **options: Any) -> Any:
        """log(sum of exp) over i or j; with weights, of which there may be several, log(sum of weight * exp). `other` is another name for weights."""
        weight = other if weight is None else weight
        return self.reduction("LogSumExp" if weight is None else "LogSumExpWeight", weight, axis=axis, dim=dim, **options)

    def sumsoftmaxweight(self, weight: Any, axis: Any = None, dim: Any = None, **options: Any) -> Any:
        """The mean of `weight` under the softmax over i or j."""
        return self.reduction("SumSoftMaxWeight", weight, axis=axis, dim=dim, **options)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """The LazyTensor itself: what is called is what reductions with `call=False` return."""
        if args or options:
            raise TypeError("a LazyTensor takes no arguments before it is reduced")
        return self

    # ------------------------------------------------------------------ linear algebra

    def __matmul__(self, v: Any, **options: Any) -> Any:
        """The product of the matrix (…, M, N) and the array v (N,) or (…, N, E): an array (M,) or (…, M, E)."""
        if self.node.dim != (2 if self.node.is_complex else 1):
            raise ValueError(f"a LazyTensor of shape {self.shape} is no matrix: each entry has {self.node.dim} components")
        arrays = self.arrays
        array = arrays.as_array(v)
        is_vector = len(array.shape) == 1
        product = self * self._plain_class(array[:, None] if is_vector else array, 1)
        result = product.reduction("Sum", axis=product.nbatchdims + 1, **options)
        if is_vector and not isinstance(result, Reduced):
            return result.squeeze(-1)
        return result

    def t(self) -> "LazyTensor":
        """The transposed matrix: i and j change places."""
        exchanged = {"i": "j", "j": "i"}
        inputs = tuple(in_role(own, exchanged.get(own.role, own.role)) for own in self.inputs)
        node = formula.renamed(self.node, tuple(range(len(inputs))), exchanged)
        ranges = None if self.ranges is None else (*self.ranges[3:], *self.ranges[:3])
        return self._with(inputs=inputs, node=node, ni=self.nj, nj=self.ni, ranges=ranges)

    @property
    def T(self) -> "LazyTensor":
        """The transposed matrix: i and j change places."""
        return self.t()

    def matvec(self, v: Any) -> Any:
        """`self @ v`: for SciPy's `aslinearoperator`."""
        return self.__matmul__(v)

    matmat = matvec

    def rmatvec(self, v: Any) -> Any:
        """The product of the transposed matrix, conjugated where it is complex: for SciPy's `aslinearoperator`."""
        return (self.T.conj() if self.node.is_complex else self.T) @ v

    rmatmat = rmatvec

    def dense(self, **options: Any) -> Any:
        """All values as an array of shape (…, M, N), or (…, M, N, D) for several components. It has as many entries as that.

        Raises ValueError where values are not known yet, or where ranges leave out some of them.
        """
        if self.ranges is not None:
            raise ValueError("a LazyTensor with ranges has no values outside of them; set its ranges to None for those of all pairs")
        if self.symbolic_variables:
            raise ValueError(f"the formula {self.node.short()} has arguments of later calls: there are no values yet")
        inputs = []
        for own in self.inputs:
            if own.array is None:
                inputs.append(own)
            elif own.role == "i":
                # One batch element for each i, and the j as rows of i; the index that is reduced has a single row.
                inputs.append(Input("parameter", own.array))
            elif own.role == "j":
                inputs.append(Input("i", own.array[..., None, :, :]))
            else:
                inputs.append(Input("parameter", own.array[..., None, :]) if len(own.array.shape) > 1 else own)
        node = formula.renamed(self.node, tuple(range(len(inputs))), {"i": "parameter", "j": "i"})
        batch = (*(self.batchdims or ()), self.ni or 1)
        spread = self._with(inputs=tuple(inputs), node=node, ni=self.nj, nj=None, batchdims=batch, ranges=None)
        result = spread.reduction("Sum", axis=len(batch) + 1, **options)
        return result.squeeze(-1) if result.shape[-1] == 1 else result

    def to_kf(self, reduction_op: str = "Sum", axis: Optional[int] = None, **options: Any) -> str:
        """A reduction, over j unless `axis` says another, as the text of a formula file; see `reduction` for the options."""
        axis = self.nbatchdims + 1 if axis is None else axis
        return self.reduction(reduction_op, axis=axis, call=False, **options).to_kf()

    def solve(self, other: Any, var: Any = None, call: bool = True, **options: Any) -> Any:
        """The solution a of (alpha Id + K) a = other, by conjugate gradients; K has to be symmetric and positive definite.

        other: a LazyTensor whose rows count j, as many as those of i; options: alpha, eps, maxiter, preconditioner and those of `reduction`, see
        `KernelSolve`; nystroem: the number of columns of K to make a preconditioner of, see `keopsc.solve.nystroem`.
        """
        from .solve import solve_lazytensor

        return solve_lazytensor(self, other, var, call, options)


def _remember(key: Tuple[Any, ...], node: Node) -> Node:
    if len(_built) > formula.LIMIT:
        _built.clear()
    _built[key] = node
    return node


def _new_node(template: str, dim: Callable[..., int], operands: "List[LazyTensor]", parts: Tuple[Any, ...], is_complex: bool, name: str) -> Node:
    """An operation's formula; `parts` are as `_renamed_parts` takes them. Raises ValueError where the operands' numbers of components do not fit."""
    nodes = _renamed_parts(parts)
    try:
        return formula.node(template, tuple(nodes), dim(*(part.dim for part in nodes)), is_complex)
    except DimensionError as error:
        shapes = ", ".join(str((*operand._shape[:-1], part.dim)) for operand, part in zip(operands, nodes))
        raise ValueError(f"{name or template}: {error}; the operands have the shapes {shapes}") from None


def _renamed_parts(parts: Tuple[Any, ...]) -> List[Node]:
    """The formulas of operands in terms of the inputs of all: `parts` are the first one, then each other one with the slots of its inputs, or None."""
    first, *others = parts
    return [first, *(node if slots is None else formula.renamed(node, slots) for node, slots in zip(others[::2], others[1::2]))]


def _wrong_axis(shape: Tuple[int, ...], axis) -> str:
    """What an array of that shape needs, for an axis that it does not fit."""
    if len(shape) >= 2:
        return f"an array of shape {shape} needs axis=0, if its rows count i, or axis=1, if they count j, not {axis!r}"
    rows = f"; for a number in each row, with axis={axis}, give it the shape {(*shape, 1)}" if len(shape) == 1 and axis in (0, 1) else ""
    return f"an array of shape {shape} is a parameter: axis may be None or 2, not {axis!r}{rows}"


def _refuse_complex(operands: "Sequence[LazyTensor]", name: str) -> None:
    if any(operand.node.is_complex for operand in operands):
        shapes = ", ".join(f"{operand.shape}{' of complex numbers' * operand.node.is_complex}" for operand in operands)
        raise ValueError(f"{name} is not defined for complex numbers; the operands have the shapes {shapes}")


def _common_complex(f: int, g: int) -> int:
    return 2 * operations.common(f // 2, g // 2)


def _real_times_complex(real: int, number: int) -> int:
    return 2 * operations.common(real, number // 2)
