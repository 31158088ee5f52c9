"""Markdown → the blocks of code that a page has, with what their info strings ask for.

    ```sh                        run by bash
    ```text output               what the block before printed; `…` stands for anything
    ```text output part          a part of that
    ```kf file=gauss.kf          a file, checked by the compiler
    ```kf used file=defs.kf      a file of definitions, for others to use
    ```c file=main.c             a file, for the shell blocks after it to compile
    ```c                         statements of a program that begins with the `given` block before it; compiled, linked with the page's libraries, run
    ```kf fails                  which the compiler, or the shell, refuses
    ```sh not run: needs a GPU   what cannot be run says why

A block may stand in a comment, `<!-- ```python` … `-->`: it prepares what the next one takes for granted, and readers do not see it.
"""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt

HIDDEN = re.compile(r"<!-- ```(?P<info>[^\n]*)\n(?P<text>.*?)^``` -->", re.MULTILINE | re.DOTALL)
PARSER = MarkdownIt("commonmark").enable("table")


@dataclass
class Block:
    """A block of code; `line` counts from 1."""

    language: str
    words: list[str]
    text: str
    line: int
    reason: str | None = None

    @property
    def file(self):
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)

    @property
    def fails(self):
        return "fails" in self.words

    @property
    def is_output(self):
        return self.language == "text" and "output" in self.words


def block(info, text, line):
    info, separator, reason = info.partition("not run:")
    language, *words = info.split() or [""]
    return Block(language, words, text, line, reason.strip() if separator else None)


def blocks(markdown):
    """All blocks in their order; indented ones have no language."""
    found = []
    for token in PARSER.parse(markdown):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            found.append(block(token.info, token.content, line))
        elif token.type == "code_block":
            found.append(block("", token.content, line))
        elif token.type == "html_block":
            found += [block(match["info"], match["text"], line) for match in HIDDEN.finditer(token.content)]
    return found
