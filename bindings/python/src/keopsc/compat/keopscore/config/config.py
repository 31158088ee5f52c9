"""Whether there is a GPU; setting it has no effect."""

from ...pykeops.config import gpu_available as use_cuda

__all__ = ["use_cuda"]
