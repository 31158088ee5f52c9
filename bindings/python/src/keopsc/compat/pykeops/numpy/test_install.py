"""`pykeops.numpy.test_install`."""

from .. import test_numpy_bindings

__all__ = ["test_numpy_bindings"]
