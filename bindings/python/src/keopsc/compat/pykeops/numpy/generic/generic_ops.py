"""`pykeops.numpy.generic.generic_ops`."""

from .....numpy import generic_argkmin, generic_argmin, generic_logsumexp, generic_sum

__all__ = ["generic_argkmin", "generic_argmin", "generic_logsumexp", "generic_sum"]
