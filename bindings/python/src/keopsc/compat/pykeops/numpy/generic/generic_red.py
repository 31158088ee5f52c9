"""`pykeops.numpy.generic.generic_red`."""

from .....numpy import Genred

__all__ = ["Genred"]
