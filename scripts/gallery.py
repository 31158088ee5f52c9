#!/usr/bin/env python3
"""Runs all samples of samples/gallery at full size, and writes their pictures and docs/gallery.md of what they say and print: `make gallery`.

`scripts/gallery.py --check` runs nothing: it says whether the page has what the samples say now; exit status 1 if not.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "samples" / "gallery"
#: In the order of the page.
NAMES = "kriging neighbours kmeans patches colour_transfer mixture block_sparse registration fourier spectral regression".split()
HEAD = """# Gallery

What people do with kernel sums and their like, in programs of a page each, with data that Python packages bring along. Written by `make gallery`; times are
those of {processor} with {threads} threads, shared with others, after formulas were compiled once. With `--size small` each takes a second or two: so
`make test-package` runs them, and checks what they print. [samples/gallery/gallery.py](../samples/gallery/gallery.py) is what they share.
"""
ENTRY = """
## {title}

![{title}](gallery/{name}.png)

{text}

It printed: {figures}.

[samples/gallery/{name}.py](../samples/gallery/{name}.py)
"""


PAGE = ROOT / "docs" / "gallery.md"


def main():
    if sys.argv[1:] == ["--check"]:
        sys.exit(None if is_current(PAGE.read_text()) else "docs/gallery.md is not current: make gallery")
    entries = []
    for name in NAMES:
        print(name, flush=True)
        run(name, "--size", "small")
        entries.append(entry(name, run(name, str(ROOT / "docs" / "gallery" / f"{name}.png"))))
    PAGE.write_text(HEAD.format(processor=processor(), threads=os.cpu_count()) + "".join(entries))


def entry(name, figures):
    """A sample by what its docstring says, and what it printed."""
    first, *others = ast.get_docstring(ast.parse((SAMPLES / f"{name}.py").read_text())).split("\n\n")
    title, text = first.split(": ", 1)
    text = "\n\n".join([text[0].upper() + text[1:], *(other for other in others if not other.startswith("    "))])
    return ENTRY.format(title=title, name=name, text=text, figures=figures)


def is_current(page):
    """But for the machine, and for what was printed."""
    machine = re.search(r"^those of (.*) with (\d+) threads, shared", page, re.M)
    figures = re.findall(r"^It printed: (.*?)\.\n\n\[samples", page, re.M | re.S)
    if not machine or len(figures) != len(NAMES):
        return False
    return page == HEAD.format(processor=machine[1], threads=machine[2]) + "".join(map(entry, NAMES, figures))


def run(name, *arguments):
    """The line that a sample prints."""
    return subprocess.run([sys.executable, SAMPLES / f"{name}.py", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def processor():
    """What Linux says the processor is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "a processor")


if __name__ == "__main__":
    main()
