"""`pykeops.numpy.lazytensor.LazyTensor`: LazyTensors for NumPy."""

from .....numpy import ComplexLazyTensor, LazyTensor, Pm, Var, Vi, Vj

__all__ = ["ComplexLazyTensor", "LazyTensor", "Pm", "Var", "Vi", "Vj"]
