"""`pykeops.torch.lazytensor.LazyTensor`: LazyTensors for PyTorch."""

from .....torch import ComplexLazyTensor, LazyTensor, Pm, Var, Vi, Vj

__all__ = ["ComplexLazyTensor", "LazyTensor", "Pm", "Var", "Vi", "Vj"]
