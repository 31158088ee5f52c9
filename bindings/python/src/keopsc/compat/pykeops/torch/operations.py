"""`pykeops.torch.operations`: linear systems."""

from ....torch import KernelSolve

__all__ = ["KernelSolve"]
