# Written by stubs.py; do not edit.
import torch
from typing import Any, Literal, Optional, Sequence, overload

from ..reduced import Reduced as Reduced
from . import cluster as cluster

class LazyTensor:
    """A symbolic tensor of shape (…, M, N, D): the formula F(x_i, y_j, p), of D components, for all i and j."""

    Genred: type
    KernelSolve: type
    ranges: Any
    backend: str | None
    ni: int | None
    nj: int | None
    batchdims: tuple[int, ...] | None
    def __init__(self, x: Any = ..., axis: Optional[int] = ..., is_complex: bool = ...) -> None: ...
    def __call__(self, *args: Any, **options: Any) -> Any:
        """The LazyTensor itself: what is called is what reductions with `call=False` return."""
    def __getitem__(self, key: Any) -> LazyTensor:
        """Components, and rows of i and j."""
    def __len__(self) -> int: ...
    def __abs__(self) -> LazyTensor: ...
    def __add__(self, other: Any) -> LazyTensor: ...
    def __radd__(self, other: Any) -> LazyTensor: ...
    def __sub__(self, other: Any) -> LazyTensor: ...
    def __rsub__(self, other: Any) -> LazyTensor: ...
    def __mul__(self, other: Any) -> LazyTensor: ...
    def __rmul__(self, other: Any) -> LazyTensor: ...
    def __truediv__(self, other: Any) -> LazyTensor: ...
    def __rtruediv__(self, other: Any) -> LazyTensor: ...
    def __or__(self, other: Any) -> LazyTensor:
        """The scalar product of vectors."""
    def __ror__(self, other: Any) -> LazyTensor: ...
    def __neg__(self) -> LazyTensor: ...
    def __pos__(self) -> LazyTensor: ...
    def __mod__(self, other: Any) -> LazyTensor: ...
    def __rmod__(self, other: Any) -> LazyTensor: ...
    def __pow__(self, other: Any) -> LazyTensor: ...
    def __rpow__(self, other: Any) -> LazyTensor: ...
    def __eq__(self, other: Any) -> LazyTensor: ...  # type: ignore[override]
    def __ne__(self, other: Any) -> LazyTensor: ...  # type: ignore[override]
    def __lt__(self, other: Any) -> LazyTensor: ...
    def __gt__(self, other: Any) -> LazyTensor: ...
    def __le__(self, other: Any) -> LazyTensor: ...
    def __ge__(self, other: Any) -> LazyTensor: ...
    def __matmul__(self, v: Any, **options: Any) -> torch.Tensor:
        """The product of the matrix (…, M, N) and the array v (N,) or (…, N, E): an array (M,) or (…, M, E)."""
    @overload
    def Kmax(self, K: int, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction KMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmax(self, K: int, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction KMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmax(self, K: int, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction KMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmax_argKmax(self, K: int, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction KMax_ArgKMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmax_argKmax(self, K: int, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction KMax_ArgKMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmax_argKmax(self, K: int, axis: None = ..., *, dim: int, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction KMax_ArgKMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    def Kmax_argKmax_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """`Kmax_argKmax` over i or j."""
    def Kmax_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`Kmax` over i or j."""
    @overload
    def Kmin(self, K: int, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction KMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmin(self, K: int, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction KMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmin(self, K: int, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction KMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmin_argKmin(self, K: int, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction KMin_ArgKMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmin_argKmin(self, K: int, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction KMin_ArgKMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def Kmin_argKmin(self, K: int, axis: None = ..., *, dim: int, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction KMin_ArgKMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    def Kmin_argKmin_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """`Kmin_argKmin` over i or j."""
    def Kmin_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`Kmin` over i or j."""
    @property
    def T(self) -> LazyTensor:
        """The transposed matrix: i and j change places."""
    def abs(self) -> LazyTensor:
        """The absolute value."""
    def acos(self) -> LazyTensor:
        """The arc cosine in radians: NaN outside [-1, 1]; its derivative at -1 and 1 is taken as 0."""
    def acosh(self) -> LazyTensor:
        """The inverse of the hyperbolic cosine: NaN below 1."""
    @overload
    def all(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction All over i or j: see `reduction`."""
    @overload
    def all(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction All over i or j: see `reduction`."""
    @overload
    def all(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction All over i or j: see `reduction`."""
    def all_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`all` over i or j."""
    @overload
    def any(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Any over i or j: see `reduction`."""
    @overload
    def any(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction Any over i or j: see `reduction`."""
    @overload
    def any(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction Any over i or j: see `reduction`."""
    def any_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`any` over i or j."""
    @overload
    def argKmax(self, K: int, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction ArgKMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def argKmax(self, K: int, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction ArgKMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def argKmax(self, K: int, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction ArgKMax over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    def argKmax_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`argKmax` over i or j."""
    @overload
    def argKmin(self, K: int, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction ArgKMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def argKmin(self, K: int, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction ArgKMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    @overload
    def argKmin(self, K: int, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction ArgKMin over i or j, with lists of K: an array (…, rows, K) or (…, rows, K, D)."""
    def argKmin_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`argKmin` over i or j."""
    @overload
    def argmax(self, axis: Literal[-1], dim: None = ..., **options: Any) -> LazyTensor:
        """The reduction ArgMax over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def argmax(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction ArgMax over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def argmax(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction ArgMax over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def argmax(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction ArgMax over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    def argmax_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`argmax` over i or j."""
    @overload
    def argmin(self, axis: Literal[-1], dim: None = ..., **options: Any) -> LazyTensor:
        """The reduction ArgMin over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def argmin(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction ArgMin over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def argmin(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction ArgMin over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def argmin(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction ArgMin over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    def argmin_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`argmin` over i or j."""
    def asin(self) -> LazyTensor:
        """The arc sine in radians: NaN outside [-1, 1]; its derivative at -1 and 1 is taken as 0."""
    def asinh(self) -> LazyTensor:
        """The inverse of the hyperbolic sine."""
    def atan(self) -> LazyTensor:
        """The arc tangent in radians."""
    def atan2(self, *others: Any) -> LazyTensor:
        """The angle in radians of the points with ordinates `self` and abscissas `other`."""
    def atanh(self) -> LazyTensor:
        """The inverse of the hyperbolic tangent: NaN outside [-1, 1]."""
    def auto_factorize(self) -> LazyTensor:
        """`self`: the compiler computes common parts once without being told."""
    @property
    def axis(self) -> Optional[int]:
        """For a single variable: 0 if its rows count i, 1 for j, 2 for a parameter; else None."""
    def bspline(self, x: Any, k: int = ...) -> LazyTensor:
        """The B-splines of order `k` with the knots `self`, at the number `x`."""
    @staticmethod
    def cat(tensors: Sequence[LazyTensor], dim: int = ...) -> LazyTensor:
        """PyTorch's name of `concatenate`."""
    def ceil(self) -> LazyTensor:
        """The smallest integer that is not smaller."""
    def clamp(self, *others: Any) -> LazyTensor:
        """`self`, but no less than the first bound and no more than the second."""
    def concat(self, other: Any) -> LazyTensor:
        """The components of `self`, then those of `other`; real numbers become complex where one of both is."""
    @staticmethod
    def concatenate(tensors: Sequence[LazyTensor], axis: int = ...) -> LazyTensor:
        """The components of all LazyTensors, one after the other."""
    def cos(self) -> LazyTensor:
        """The cosine of radians."""
    def cosh(self) -> LazyTensor:
        """The hyperbolic cosine."""
    @overload
    def count(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Count over i or j: see `reduction`."""
    @overload
    def count(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction Count over i or j: see `reduction`."""
    @overload
    def count(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction Count over i or j: see `reduction`."""
    def count_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`count` over i or j."""
    def dense(self, **options: Any) -> torch.Tensor:
        """All values as an array of shape (…, M, N), or (…, M, N, D) for several components. It has as many entries as that."""
    def diff(self, v: Any, u: Any) -> LazyTensor:
        """The derivative in the variable `v` along the direction `u`."""
    def difference_matrix(self, other: Any) -> LazyTensor:
        """All differences of a component of `self` and one of `other`, row by row."""
    def digamma(self) -> LazyTensor:
        """The derivative of lgamma."""
    def dim(self) -> int:
        """The number of axes of the shape (…, M, N, D)."""
    def divergence(self, v: Any) -> LazyTensor:
        """The divergence in the variable `v`, which has as many components as `self`."""
    @property
    def dtype(self) -> Any:
        """The type of the values, as the array library calls it; None where there are only numbers."""
    def elem(self, i: int) -> LazyTensor:
        """Component `i`, from 0 on; counted from the end if it is negative."""
    def erf(self) -> LazyTensor:
        """The error function."""
    def erfc(self) -> LazyTensor:
        """1 - erf(x), without cancellation."""
    def exp(self) -> LazyTensor:
        """The exponential."""
    def exp1j(self) -> LazyTensor:
        """exp(1j * x), for angles in radians."""
    def exp2(self) -> LazyTensor:
        """2 to the power of each component."""
    def expm1(self) -> LazyTensor:
        """exp(x) - 1 without cancellation near 0."""
    def extract(self, i: int, d: int) -> LazyTensor:
        """The `d` components from `i` on."""
    def factorize(self, g: Any) -> LazyTensor:
        """`self`: the compiler computes common parts once without being told."""
    def floor(self) -> LazyTensor:
        """The largest integer that is not larger."""
    @property
    def formula(self) -> str:
        """The formula as text."""
    @property
    def formula2(self) -> Optional[str]:
        """The formula of weights as text, or None."""
    def grad(self, v: Any, e: Any) -> LazyTensor:
        """The gradient in the variable `v`, for a cotangent `e` with as many components as `self`."""
    def grad_matrix(self, v: Any) -> LazyTensor:
        """The gradients in the variable `v` of all components, one after the other."""
    def hypot(self, *others: Any) -> LazyTensor:
        """sqrt(self**2 + other**2), without overflow."""
    def ifelse(self, *others: Any) -> LazyTensor:
        """The second argument where `self >= 0`, else the third."""
    def imag2complex(self) -> LazyTensor:
        """The same numbers times 1j."""
    @property
    def is_complex(self) -> bool:
        """Whether the values are complex numbers."""
    def keops_kron(self, other: Any, dimfself: Sequence[int], dimfother: Sequence[int]) -> LazyTensor:
        """The Kronecker product of two tensors of shapes `dimfself` and `dimfother`."""
    def keops_tensordot(self, other: Any, dimfa: Any, dimfb: Any, contfa: Any, contfb: Any, *permute: Any) -> LazyTensor:
        """The contraction of two tensors of shapes `dimfa` and `dimfb` over the axes `contfa` and `contfb`; `permute` says where the axes that are"""
    def laplacian(self, v: Any) -> LazyTensor:
        """The Laplacian in the variable `v`."""
    def lgamma(self) -> LazyTensor:
        """The logarithm of the absolute value of the gamma function."""
    def log(self) -> LazyTensor:
        """The natural logarithm: -inf at 0, NaN below."""
    def log10(self) -> LazyTensor:
        """The logarithm to base 10."""
    def log1p(self) -> LazyTensor:
        """log(1 + x) without cancellation near 0."""
    def log2(self) -> LazyTensor:
        """The logarithm to base 2."""
    def logaddexp(self, *others: Any) -> LazyTensor:
        """log(exp(self) + exp(other)), without overflow."""
    def logical_and(self, *others: Any) -> LazyTensor:
        """1 where both are other than 0, else 0."""
    def logical_not(self) -> LazyTensor:
        """1 where x is 0, else 0."""
    def logical_or(self, *others: Any) -> LazyTensor:
        """1 where one of both is other than 0, else 0."""
    @overload
    def logsumexp(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """log(sum of exp) over i or j; with weights, of which there may be several, log(sum of weight * exp). `other` is another name for weights."""
    @overload
    def logsumexp(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """log(sum of exp) over i or j; with weights, of which there may be several, log(sum of weight * exp). `other` is another name for weights."""
    @overload
    def logsumexp(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """log(sum of exp) over i or j; with weights, of which there may be several, log(sum of weight * exp). `other` is another name for weights."""
    def logsumexp_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`logsumexp` over i or j."""
    def matmat(self, v: Any) -> torch.Tensor:
        """`self @ v`: for SciPy's `aslinearoperator`."""
    def matvec(self, v: Any) -> torch.Tensor:
        """`self @ v`: for SciPy's `aslinearoperator`."""
    def matvecmult(self, *others: Any) -> LazyTensor:
        """The matrix `self`, row by row in its components, times the vector `other`."""
    @overload
    def max(self, axis: Literal[-1], dim: None = ..., **options: Any) -> LazyTensor:
        """The reduction Max over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def max(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Max over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def max(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction Max over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def max(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction Max over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def max_argmax(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Max_ArgMax over i or j: see `reduction`."""
    @overload
    def max_argmax(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction Max_ArgMax over i or j: see `reduction`."""
    @overload
    def max_argmax(self, axis: None = ..., *, dim: int, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction Max_ArgMax over i or j: see `reduction`."""
    def max_argmax_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """`max_argmax` over i or j."""
    def max_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`max` over i or j."""
    def maximum(self, *others: Any) -> LazyTensor:
        """The larger one, component by component."""
    @overload
    def mean(self, axis: Literal[-1] = ..., dim: Literal[-1] | None = ..., **options: Any) -> LazyTensor:
        """The mean over i, over j, or of the components (axis=-1)."""
    @overload
    def mean(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The mean over i, over j, or of the components (axis=-1)."""
    @overload
    def mean(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The mean over i, over j, or of the components (axis=-1)."""
    @overload
    def mean(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The mean over i, over j, or of the components (axis=-1)."""
    def mean_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`mean` over i or j."""
    @overload
    def min(self, axis: Literal[-1], dim: None = ..., **options: Any) -> LazyTensor:
        """The reduction Min over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def min(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Min over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def min(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction Min over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def min(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction Min over i or j; of the components (axis=-1), a LazyTensor: see `reduction`."""
    @overload
    def min_argmin(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Min_ArgMin over i or j: see `reduction`."""
    @overload
    def min_argmin(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction Min_ArgMin over i or j: see `reduction`."""
    @overload
    def min_argmin(self, axis: None = ..., *, dim: int, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """The reduction Min_ArgMin over i or j: see `reduction`."""
    def min_argmin_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """`min_argmin` over i or j."""
    def min_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`min` over i or j."""
    def minimum(self, *others: Any) -> LazyTensor:
        """The smaller one, component by component."""
    def mod(self, modulus: Any, offset: Any = ...) -> LazyTensor:
        """`self` modulo `modulus`, in [offset, offset + modulus), with the sign of the modulus."""
    @property
    def nbatchdims(self) -> int:
        """The number of batch axes."""
    @property
    def ndim(self) -> int:
        """The number of components D; for complex numbers, of real and imaginary parts together."""
    def norm(self, dim: int = ...) -> LazyTensor:
        """The Euclidean norm of the vector: a single number."""
    def norm2(self) -> LazyTensor:
        """The Euclidean norm of the vector: a single number, whose derivative at 0 is taken as 0."""
    def normalize(self) -> LazyTensor:
        """The vector divided by its Euclidean norm: 0 for the vector 0."""
    def one_hot(self, D: int) -> LazyTensor:
        """The vector of `D` components that is 1 at the place that the number, rounded, tells, and 0 elsewhere."""
    def power(self, other: Any) -> LazyTensor:
        """Each component to a power: an integer, a float, or a LazyTensor."""
    @overload
    def prod(self, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The reduction Prod over i or j: see `reduction`."""
    @overload
    def prod(self, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The reduction Prod over i or j: see `reduction`."""
    @overload
    def prod(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The reduction Prod over i or j: see `reduction`."""
    def prod_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`prod` over i or j."""
    def real2complex(self) -> LazyTensor:
        """The same numbers as complex ones."""
    def reduction(self, reduction_op: str, other: Any = ..., opt_arg: Optional[int] = ..., axis: Any = ..., dim: Any = ..., call: bool = ..., is_complex: Any = ..., **options: Any) -> Any:
        """A reduction over i or j."""
    def relu(self) -> LazyTensor:
        """x where x > 0, else 0."""
    def rmatmat(self, v: Any) -> torch.Tensor:
        """The product of the transposed matrix, conjugated where it is complex: for SciPy's `aslinearoperator`."""
    def rmatvec(self, v: Any) -> torch.Tensor:
        """The product of the transposed matrix, conjugated where it is complex: for SciPy's `aslinearoperator`."""
    def round(self, digits: int = ...) -> LazyTensor:
        """Rounded to so many decimal digits; halves away from zero."""
    def rsqrt(self) -> LazyTensor:
        """1 / sqrt(x), but 0 at 0, as in KeOps."""
    @property
    def shape(self) -> tuple[int, ...]:
        """(…, M, N, D), or (…, M, N) where D is 1. M and N are 1 where nothing tells them."""
    def sigmoid(self) -> LazyTensor:
        """The logistic function 1 / (1 + exp(-x))."""
    def sign(self) -> LazyTensor:
        """-1, 0 or 1."""
    def sin(self) -> LazyTensor:
        """The sine of radians."""
    def sinc(self) -> LazyTensor:
        """sin(pi x) / (pi x), the normalised sinc, as in NumPy and PyTorch."""
    def sinh(self) -> LazyTensor:
        """The hyperbolic sine."""
    def sinxdivx(self) -> LazyTensor:
        """sin(x) / x: 1 at 0, where its derivative is 0."""
    def softdtw_sqdist(self, *others: Any) -> LazyTensor:
        """The soft dynamic time warping of two series, with squared differences and smoothing gamma."""
    def softplus(self) -> LazyTensor:
        """log(1 + exp(x)), without overflow."""
    def solve(self, other: Any, var: Any = ..., call: bool = ..., **options: Any) -> Any:
        """The solution a of (alpha Id + K) a = other, by conjugate gradients; K has to be symmetric and positive definite."""
    def sqdist(self, *others: Any) -> LazyTensor:
        """The squared Euclidean distance: a single number."""
    def sqnorm2(self) -> LazyTensor:
        """The squared Euclidean norm of the vector: a single number."""
    def sqrt(self) -> LazyTensor:
        """The square root: NaN below 0; its derivative at 0 is taken as 0."""
    def square(self) -> LazyTensor:
        """The square."""
    def step(self) -> LazyTensor:
        """1 where x >= 0, else 0."""
    @overload
    def sum(self, axis: Literal[-1] = ..., dim: Literal[-1] | None = ..., **options: Any) -> LazyTensor:
        """The sum over i, over j, or of the components (axis=-1): see `reduction`; of the components it is a LazyTensor."""
    @overload
    def sum(self, axis: int | Sequence[int], dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The sum over i, over j, or of the components (axis=-1): see `reduction`; of the components it is a LazyTensor."""
    @overload
    def sum(self, axis: int | Sequence[int], dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The sum over i, over j, or of the components (axis=-1): see `reduction`; of the components it is a LazyTensor."""
    @overload
    def sum(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The sum over i, over j, or of the components (axis=-1): see `reduction`; of the components it is a LazyTensor."""
    def sum_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`sum` over i or j."""
    @overload
    def sumsoftmaxweight(self, weight: Any, axis: int, dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The mean of `weight` under the softmax over i or j."""
    @overload
    def sumsoftmaxweight(self, weight: Any, axis: int, dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The mean of `weight` under the softmax over i or j."""
    @overload
    def sumsoftmaxweight(self, weight: Any, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The mean of `weight` under the softmax over i or j."""
    def sumsoftmaxweight_reduction(self, *args: Any, axis: Any = ..., dim: Any = ..., **options: Any) -> torch.Tensor:
        """`sumsoftmaxweight` over i or j."""
    @property
    def symbolic_variables(self) -> tuple[tuple[int, int, int], ...]:
        """The (position, dim, category) of what later calls have to give."""
    def t(self) -> LazyTensor:
        """The transposed matrix: i and j change places."""
    def tan(self) -> LazyTensor:
        """The tangent of radians."""
    def tanh(self) -> LazyTensor:
        """The hyperbolic tangent."""
    def tensorprod(self, *others: Any) -> LazyTensor:
        """All products of a component of `self` and one of `other`, row by row."""
    def to_kf(self, reduction_op: str = ..., axis: Optional[int] = ..., **options: Any) -> str:
        """A reduction, over j unless `axis` says another, as the text of a formula file; see `reduction` for the options."""
    def trace_operator(self, v: Any) -> LazyTensor:
        """The trace of `self` as a linear function of the variable `v`, which no argument has to be given for."""
    def trunc(self) -> LazyTensor:
        """The integer part."""
    @property
    def variables(self) -> tuple[Any, ...]:
        """The arrays and lists of numbers that the formula is about."""
    def vecmatmult(self, *others: Any) -> LazyTensor:
        """The vector `self` times the matrix `other`, row by row in its components."""
    def weightedsqdist(self, *others: Any) -> LazyTensor:
        """The squared distance with weights."""
    def weightedsqnorm(self, *others: Any) -> LazyTensor:
        """The squared norm of `self` with weights: one, one for each component, or a symmetric matrix."""
    def xlogx(self) -> LazyTensor:
        """x log x: 0 at 0, NaN below."""

class Genred:
    """A reduction of a formula: `Genred(formula, aliases, reduction_op, axis)(*arrays)`."""

    formula: str
    aliases: list[str]
    reduction_op: str
    axis: int
    opt_arg: int | None
    formula2: str | None
    def __init__(self, formula: str, aliases: Sequence[str], reduction_op: str = ..., axis: int = ..., dtype: Any = ..., opt_arg: Optional[int] = ..., formula2: Optional[str] = ..., cuda_type: Any = ..., dtype_acc: Any = ..., use_double_acc: bool = ..., sum_scheme: str = ..., enable_chunks: bool = ..., rec_multVar_highdim: Any = ..., use_fast_math: bool = ..., products: str = ...) -> None: ...
    def __call__(self, *args: Any, backend: str = ..., device_id: int = ..., ranges: Any = ..., out: torch.Tensor | None = ...) -> Any:
        """The reduction for these arrays, in the order of the aliases."""

class KernelSolve:
    """The solution a of (alpha Id + K) a = b, where K a is a reduction of a formula with a in the place of one of its variables."""

    formula: str
    aliases: list[str]
    varinvalias: str
    axis: int
    def __init__(self, formula: str, aliases: Sequence[str], varinvalias: str, axis: int = ..., dtype_acc: Any = ..., use_double_acc: bool = ..., sum_scheme: str = ..., enable_chunks: bool = ..., rec_multVar_highdim: Any = ..., dtype: Any = ..., cuda_type: Any = ..., use_fast_math: bool = ..., products: str = ...) -> None: ...
    def __call__(self, *args: Any, backend: str = ..., device_id: int = ..., alpha: float = ..., eps: float = ..., ranges: Any = ..., maxiter: Optional[int] = ..., preconditioner: Optional[Any[..., Any]] = ...) -> Any:
        """The solution for these arguments; the one in the place of the unknown is the right-hand side b, of shape (…, N, E)."""

class ComplexLazyTensor(LazyTensor):
    """A LazyTensor of complex numbers, made of complex arrays; see `LazyTensor`."""

    def __init__(self, x: Any = ..., axis: Optional[int] = ...) -> None: ...
    def abs(self) -> LazyTensor:
        """The absolute values."""
    def acos(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def acosh(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def angle(self) -> LazyTensor:
        """The angles in radians, from -pi to pi."""
    def asin(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def asinh(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def atan(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def atanh(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def ceil(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def conj(self) -> LazyTensor:
        """The conjugate numbers."""
    def cos(self) -> LazyTensor:
        """The cosine."""
    def cosh(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def digamma(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def erf(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def erfc(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def exp(self) -> LazyTensor:
        """The exponential."""
    def exp1j(self) -> LazyTensor:
        """Refused: the numbers are complex."""
    def exp2(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def expm1(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def floor(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    @property
    def imag(self) -> LazyTensor:
        """The imaginary parts."""
    def imag2complex(self) -> LazyTensor:
        """Refused: the numbers are complex."""
    def lgamma(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def log(self) -> LazyTensor:
        """The principal logarithm, with imaginary parts from -pi to pi."""
    def log10(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def log1p(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def log2(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def logical_not(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def norm2(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def normalize(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    @property
    def real(self) -> LazyTensor:
        """The real parts."""
    def real2complex(self) -> LazyTensor:
        """Refused: the numbers are complex."""
    def relu(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def rsqrt(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sigmoid(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sign(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sin(self) -> LazyTensor:
        """The sine."""
    def sinc(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sinh(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sinxdivx(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def softplus(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sqnorm2(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def sqrt(self) -> LazyTensor:
        """The principal square root, with real parts not below 0."""
    def square(self) -> LazyTensor:
        """The squares."""
    def step(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    @overload
    def sum(self, axis: Literal[-1] = ..., dim: Literal[-1] | None = ..., **options: Any) -> LazyTensor:
        """The sum over i, over j, or of the components (axis=-1), which is a LazyTensor."""
    @overload
    def sum(self, axis: int | Sequence[int], dim: None = ..., *, call: Literal[False], **options: Any) -> Reduced:
        """The sum over i, over j, or of the components (axis=-1), which is a LazyTensor."""
    @overload
    def sum(self, axis: int | Sequence[int], dim: None = ..., *, call: Literal[True] = ..., **options: Any) -> torch.Tensor:
        """The sum over i, over j, or of the components (axis=-1), which is a LazyTensor."""
    @overload
    def sum(self, axis: None = ..., *, dim: int, **options: Any) -> torch.Tensor:
        """The sum over i, over j, or of the components (axis=-1), which is a LazyTensor."""
    def tan(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def tanh(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def trunc(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""
    def xlogx(self, *args: Any, **options: Any) -> LazyTensor:
        """Refused: not defined for complex numbers."""

def Var(x_or_ind: Any, dim: Any = ..., cat: int | None = ...) -> LazyTensor:
    """A variable: of an array (category 0: i, 1: j, 2: parameter), or the argument at a position, with `dim` components."""

def Vi(x_or_ind: Any, dim: Any = ...) -> LazyTensor:
    """A variable whose rows count i: an array (…, M, D), or the argument at a position, with `dim` components."""

def Vj(x_or_ind: Any, dim: Any = ...) -> LazyTensor:
    """A variable whose rows count j: an array (…, N, D), or the argument at a position, with `dim` components."""

def Pm(x_or_ind: Any, dim: Any = ...) -> LazyTensor:
    """A parameter: an array (…, D), a number, or the argument at a position, with `dim` components."""

def generic_sum(formula: str, output: str, *aliases: str, **kwargs: Any) -> Genred:
    """The sum of a formula, over j for an output like "a = Vi(3)", over i for "a = Vj(3)"; keywords as for `Genred`."""

def generic_logsumexp(formula: str, output: str, *aliases: str, **kwargs: Any) -> Genred:
    """The log-sum-exp of a formula; see `generic_sum`."""

def generic_argmin(formula: str, output: str, *aliases: str, **kwargs: Any) -> Genred:
    """The row number of the smallest value of a formula; see `generic_sum`."""

def generic_argkmin(formula: str, output: str, *aliases: str, **kwargs: Any) -> Genred:
    """The row numbers of the K smallest values of a formula, for an output like "a = Vi(K)"; see `generic_sum`."""

__all__ = ['LazyTensor', 'ComplexLazyTensor', 'Genred', 'KernelSolve', 'Var', 'Vi', 'Vj', 'Pm', 'generic_sum', 'generic_logsumexp', 'generic_argmin', 'generic_argkmin', 'cluster']
