"""`pykeops.torch.test_install`."""

from .. import test_torch_bindings

__all__ = ["test_torch_bindings"]
