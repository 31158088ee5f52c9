"""Whether there is a GPU; setting it has no effect."""

from ...pykeops import config as _config

__all__ = ["use_cuda"]

use_cuda: bool = _config.gpu_available
