"""`pykeops.numpy.operations`: linear systems."""

from ....numpy import KernelSolve

__all__ = ["KernelSolve"]
