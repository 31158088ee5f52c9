#!/usr/bin/env python3
"""Runs all samples of samples/gallery at full size, and writes their pictures and docs/gallery.md of what they say and print: `make gallery`."""

import ast
import os
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


def main():
    entries = []
    for name in NAMES:
        print(name, flush=True)
        run(name, "--size", "small")
        figures = run(name, str(ROOT / "docs" / "gallery" / f"{name}.png"))
        first, *others = ast.get_docstring(ast.parse((SAMPLES / f"{name}.py").read_text())).split("\n\n")
        title, text = first.split(": ", 1)
        text = "\n\n".join([text[0].upper() + text[1:], *(other for other in others if not other.startswith("    "))])
        entries.append(ENTRY.format(title=title, name=name, text=text, figures=figures))
    (ROOT / "docs" / "gallery.md").write_text(HEAD.format(processor=processor(), threads=os.cpu_count()) + "".join(entries))


def run(name, *arguments):
    """The line that a sample prints."""
    return subprocess.run([sys.executable, SAMPLES / f"{name}.py", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def processor():
    """What Linux says the processor is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "a processor")


if __name__ == "__main__":
    main()
