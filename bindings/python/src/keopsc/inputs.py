"""What the variables of a LazyTensor's formula stand for."""

from __future__ import annotations

from typing import Tuple


class Input:
    """What a variable stands for: an array, numbers whose type is that of the arrays beside them, or a place in the arguments of a call.

    Inputs are the same variable if their keys are equal: made of the same array, in the same role and shape. (One array may become inputs of several
    shapes: as complex numbers or as real ones, with batch axes or without.)
    """

    __slots__ = ("key", "role", "array", "numbers", "position", "source", "is_complex")

    def __init__(self, role: str, array=None, numbers=None, position=None, source=None, is_complex=False):
        self.role = role
        self.array = array
        self.numbers = numbers
        self.position = position
        self.source = source if source is not None else array
        self.is_complex = is_complex
        if position is not None:
            self.key: tuple = ("argument", position, role)
        elif array is None:
            self.key = (id(self), role)
        else:
            self.key = (id(self.source), role, array.shape)

    def __reduce__(self):
        return (Input, (self.role, self.array, self.numbers, self.position, None, self.is_complex))


def merged(mine: Tuple[Input, ...], theirs: Tuple[Input, ...]) -> Tuple[Tuple[Input, ...], Tuple[int, ...]]:
    """All inputs, each once, and where those of the second list are among them."""
    keys = [own.key for own in mine]
    new, slots = [], []
    for own in theirs:
        key = own.key
        if key in keys:
            slots.append(keys.index(key))
        else:
            slots.append(len(keys))
            keys.append(key)
            new.append(own)
    return ((*mine, *new) if new else mine), tuple(slots)


def in_role(own: Input, role: str) -> Input:
    return own if own.role == role else Input(role, own.array, own.numbers, own.position, own.source, own.is_complex)
