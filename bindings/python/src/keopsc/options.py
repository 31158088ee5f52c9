"""KeOps' keywords, and one more: which of them say how sums and products are made, which where a call runs, and which say nothing here."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from .program import Numerics

#: Keywords that KeOps' users pass to say how KeOps should compute, which here have no meaning.
IGNORED_OPTIONS = frozenset(["enable_chunks", "use_fast_math", "optional_flags", "rec_multVar_highdim", "cuda_type", "dtype"])
NUMERICS_OPTIONS = frozenset(["dtype_acc", "use_double_acc", "sum_scheme", "products"])
CALL_OPTIONS = frozenset(["backend", "device_id", "ranges", "out"])

_AS_USUAL = Numerics()


def split_options(options: Dict[str, Any]) -> Tuple[Dict[str, Any], Numerics]:
    """KeOps' keywords as options of the call and numerics. Raises TypeError for one that is not known."""
    if not options:
        return options, _AS_USUAL
    unknown = options.keys() - IGNORED_OPTIONS - NUMERICS_OPTIONS - CALL_OPTIONS
    if unknown:
        known = ", ".join(sorted(NUMERICS_OPTIONS | CALL_OPTIONS | IGNORED_OPTIONS))
        raise TypeError(f"there is no option {', '.join(sorted(unknown))}; those that are known are {known}")
    numerics = Numerics.of(**{name: value for name, value in options.items() if name in NUMERICS_OPTIONS})
    return {name: value for name, value in options.items() if name in CALL_OPTIONS}, numerics
