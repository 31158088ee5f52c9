"""What `keopscore.config` has that other packages touch."""

from . import config

__all__ = ["config"]
