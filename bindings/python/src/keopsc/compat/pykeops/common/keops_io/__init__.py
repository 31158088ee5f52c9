"""`pykeops.common.keops_io`: KeOps' tables of loaded formulas, which keopsc keeps elsewhere."""

from __future__ import annotations

from typing import Any, Dict

__all__ = ["keops_binder"]

#: Empty: there is nothing to reset.
keops_binder: Dict[str, Any] = {}
