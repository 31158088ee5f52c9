"""`pykeops.torch.generic.generic_red`."""

from .....torch import Genred

__all__ = ["Genred"]
