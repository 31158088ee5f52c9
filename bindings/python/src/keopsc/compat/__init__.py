"""KeOps' module names for keopsc: `keopsc.compat.install()` makes `import pykeops` find this package."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys

#: What other packages are called -> what stands for them.
_STAND_INS = {"pykeops": "keopsc.compat.pykeops", "keopscore": "keopsc.compat.keopscore"}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `pykeops` and all below it in `keopsc.compat.pykeops`: the same module objects under two names."""

    def find_spec(self, fullname, path=None, target=None):
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True) if self._own_name(fullname) else None

    @staticmethod
    def _own_name(fullname: str):
        root, _, rest = fullname.partition(".")
        own = _STAND_INS.get(root)
        if own is None:
            return None
        own = f"{own}.{rest}" if rest else own
        try:
            return own if importlib.util.find_spec(own) else None
        except ModuleNotFoundError:
            return None

    def create_module(self, spec):
        module = importlib.import_module(self._own_name(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        # The import system has put the other name's spec into the module, whose relative imports need its own.
        module.__spec__ = module.__spec__.loader_state


_finder = _Finder()


def install() -> None:
    """From now on `import pykeops` and `import pykeops.…` give keopsc's modules, in this process, also for other people's code.

    Raises RuntimeError where KeOps' own package has been imported before.
    """
    loaded = sys.modules.get("pykeops")
    if loaded is not None and not loaded.__name__.startswith("keopsc."):
        raise RuntimeError("pykeops has been imported already; call keopsc.compat.install() before")
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Undoes `install`; what has imported keopsc as pykeops keeps it."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if name.partition(".")[0] in _STAND_INS]:
        del sys.modules[name]
