"""Modules that are functions, too, as some of KeOps' are: a submodule that is imported takes the place of the function of its name in the package."""

from __future__ import annotations

import sys
import types
from typing import Any, Callable


def called_as(name: str, function: Callable[..., Any]) -> None:
    """Makes the module of that name one that can be called like the function."""

    class Callable_(types.ModuleType):
        __doc__ = function.__doc__

        def __call__(self, *args: Any, **options: Any) -> Any:
            return function(*args, **options)

    sys.modules[name].__class__ = Callable_
