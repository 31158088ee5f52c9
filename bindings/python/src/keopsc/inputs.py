"""What the variables of a LazyTensor's formula stand for."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple


class Input:
    """What a variable stands for: an array, numbers whose type is that of the arrays beside them, or a place in the arguments of a call.

    `source` is what the array was made of, in one of several shapes: as complex numbers or as real ones, with batch axes or without.
    """

    __slots__ = ("role", "array", "numbers", "position", "source", "is_complex")

    def __init__(
        self,
        role: str,
        array: Any = None,
        numbers: Optional[Tuple[float, ...]] = None,
        position: Optional[int] = None,
        source: Any = None,
        is_complex: bool = False,
    ):
        self.role: str = role
        self.array: Any = array
        self.numbers: Optional[Tuple[float, ...]] = numbers
        self.position: Optional[int] = position
        self.source: Any = source if source is not None else numbers if array is None else array
        self.is_complex: bool = is_complex

    def __reduce__(self) -> Tuple[Any, ...]:
        return (Input, (self.role, self.array, self.numbers, self.position, None, self.is_complex))

    def is_same(self, other: "Input") -> bool:
        """Whether both are one variable: made of the same object, in the same role and shape. (Identities are not compared as numbers, which PyTorch's
        tracer does not follow.)"""
        return self is other or (
            self.source is other.source
            and self.role == other.role
            and self.position == other.position
            and (self.array is None or self.array.shape == other.array.shape)
        )


def merged(mine: Tuple[Input, ...], theirs: Tuple[Input, ...]) -> Tuple[Tuple[Input, ...], Tuple[int, ...]]:
    """All inputs, each once, and where those of the second list are among them."""
    together: List[Input] = list(mine)
    slots: List[int] = []
    for own in theirs:
        for slot, earlier in enumerate(together):
            if own is earlier or (own.source is earlier.source and own.is_same(earlier)):
                slots.append(slot)
                break
        else:
            slots.append(len(together))
            together.append(own)
    return tuple(together), tuple(slots)


def in_role(own: Input, role: str) -> Input:
    """The input in another role."""
    return own if own.role == role else Input(role, own.array, own.numbers, own.position, own.source, own.is_complex)
