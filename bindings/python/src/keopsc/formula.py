"""Formulas as trees that know nothing of arrays: what a LazyTensor's operators build.

A `Node` is an operation on other nodes, or a leaf: a variable, given by its *slot* in the LazyTensor's list of inputs, or an integer. Nodes are
interned, so that building the same formula again gives the same object, by one look-up an operation; what was compiled for it is found by its identity.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple, Union

#: More nodes than this are forgotten all at once, which costs a few look-ups in the compiler's cache.
LIMIT = 100_000

_interned: Dict[Tuple[Any, ...], "Node"] = {}
_renamed: Dict[Tuple[Any, ...], "Node"] = {}


class Node:
    """An operation: how it is written, on what, and the number of its components (for complex numbers, two each)."""

    __slots__ = ("text", "args", "dim", "is_complex", "__weakref__")

    text: str
    args: Tuple[Any, ...]
    dim: int
    is_complex: bool

    def __init__(self, text: str, args: Tuple[Any, ...], dim: int, is_complex: bool):
        self.text = text
        self.args = args
        self.dim = dim
        self.is_complex = is_complex

    def __reduce__(self) -> Tuple[Any, ...]:
        return (_first_unpacked, (packed(self),))

    def __str__(self) -> str:
        return written(self, lambda slot, role, dim: f"{_CATEGORIES[role]}({slot}, {dim})")

    def short(self) -> str:
        """The formula as text that is good for messages: parts that are too long are left out."""
        return written(self, lambda slot, role, dim: f"{_CATEGORIES[role]}({slot}, {dim})", longest=500)


_CATEGORIES = {"i": "Vi", "j": "Vj", "parameter": "Pm"}


def node(text: str, args: Tuple[Any, ...], dim: int, is_complex: bool = False) -> Node:
    """The node, made unless there is one. `text` is a template in which {0}, {1} … stand for the arguments.

    The arguments of a variable, whose text is empty, are its slot and role.
    """
    key = (text, args, dim, is_complex)
    made = _interned.get(key)
    if made is None:
        if len(_interned) > LIMIT:
            _interned.clear()
            _renamed.clear()
        made = _interned[key] = Node(*key)
    return made


def variable(slot: int, role: str, dim: int, is_complex: bool = False) -> Node:
    """A variable: an input of role "i", "j" or "parameter"."""
    return _interned.get(("", (slot, role), dim, is_complex)) or node("", (slot, role), dim, is_complex)


def integer(value: int) -> Node:
    """A constant, exact in whatever type is computed."""
    return node(str(value) if value >= 0 else f"({value})", (), 1)


def renamed(tree: Node, slots: Tuple[int, ...], roles: Dict[Union[str, int], str] | None = None) -> Node:
    """The same formula of other variables: slot k becomes `slots[k]`; `roles` gives the variables of a role, or of a slot k, another role."""
    key = (tree, slots, tuple(roles.items()) if roles else None)
    made = _renamed.get(key)
    if made is None:
        made = _renamed[key] = _rebuilt(tree, slots, roles or {})
    return made


def _rebuilt(tree: Node, slots: Tuple[int, ...], roles: Dict[Union[str, int], str]) -> Node:
    new: Dict[Node, Node] = {}
    for old in in_order(tree):
        if old.text:
            new[old] = node(old.text, tuple(new[arg] for arg in old.args), old.dim, old.is_complex)
        else:
            slot, role = old.args
            new[old] = variable(slots[slot], roles.get(slot, roles.get(role, role)), old.dim, old.is_complex)
    return new[tree]


def in_order(*trees: Node) -> List[Node]:
    """All nodes of the formulas, each once, after those that it is made of."""
    seen, order = set(), []
    stack = [(tree, False) for tree in reversed(trees)]
    while stack:
        current, done = stack.pop()
        if done:
            order.append(current)
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            if current.text:
                stack.extend((arg, False) for arg in reversed(current.args))
    return order


def packed(*trees: Node) -> Tuple[List[Tuple[Any, ...]], List[int]]:
    """Formulas as a flat list, however deep they are, in which arguments are numbers of earlier entries; and where the formulas are in it."""
    order = in_order(*trees)
    numbers = {part: number for number, part in enumerate(order)}
    entries = [(part.text, tuple(numbers[arg] for arg in part.args) if part.text else part.args, part.dim, part.is_complex) for part in order]
    return entries, [numbers[tree] for tree in trees]


def unpacked(packed_trees: Tuple[List[Tuple[Any, ...]], List[int]]) -> List[Node]:
    """The formulas that were packed."""
    entries, places = packed_trees
    made: List[Node] = []
    for text, args, dim, is_complex in entries:
        made.append(node(text, tuple(made[number] for number in args) if text else args, dim, is_complex))
    return [made[place] for place in places]


def _first_unpacked(packed_trees) -> Node:
    return unpacked(packed_trees)[0]


def written(tree: Node, name: Callable[[int, str, int], str], longest: Optional[int] = None) -> str:
    """The formula in one piece; `name` says how a variable is written. Meant for people: shared parts are repeated.

    Parts longer than `longest` are written "…" within others.
    """
    text: Dict[Node, str] = {}
    for part in in_order(tree):
        own = part.text.format(*(text[arg] for arg in part.args)) if part.text else name(*part.args, part.dim)
        text[part] = own if longest is None or len(own) <= longest or part is tree else "…"
    return text[tree]


#: Longer texts become statements of their own, so that the compiler need not read deep nesting.
_LONGEST = 200


def statements(*trees: Node) -> Tuple[List[str], List[str]]:
    """Statements that give names to shared parts, and the formulas in terms of these. The variable of slot k is written `_vk`."""
    order = in_order(*trees)
    uses: Dict[Node, int] = {}
    for part in order:
        if part.text:
            for arg in part.args:
                uses[arg] = uses.get(arg, 0) + 1
    lines: List[str] = []
    text: Dict[Node, str] = {}
    for part in order:
        if not part.text:
            text[part] = f"_v{part.args[0]}"
            continue
        own = part.text.format(*(text[arg] for arg in part.args))
        if part.args and (uses.get(part, 0) > 1 or len(own) > _LONGEST):
            text[part] = f"_t{len(lines)}"
            lines.append(f"{text[part]} = {own}")
        else:
            text[part] = own
    return lines, [text[tree] for tree in trees]
