"""Says which pages and pictures of results/ are not what their scripts make of the figures there; exit status 1 if one is not.

What a page of a GPU says around its tables may have been written by hand: of these the tables are compared.
"""

import json
import sys
import tempfile
from pathlib import Path

import accuracy
import plots
import report
from bench import GROUPS

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"

sys.path.insert(0, str(FOLDER / "gpu"))

import page as gpu_page  # noqa: E402


def document(name):
    return json.loads((RESULTS / name).read_text())


def tables(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def old():
    """What is not current."""
    found = {"accuracy.md": accuracy.page(document("accuracy.json"))}
    measured = document("cpu.json")
    groups = {name: GROUPS[name] for name in measured["groups"]}
    with tempfile.TemporaryDirectory() as folder:
        pictures = {name: plots.draw(group, name, measured["groups"][name], Path(folder)) for name, group in groups.items() if group.along}
        found |= {path.name: path.read_text() for path in Path(folder).iterdir()}
    found["cpu.md"] = report.page(measured, {name: group.title for name, group in groups.items()}, pictures)
    yield from (name for name, text in found.items() if (RESULTS / name).read_text() != text)
    for path in sorted(RESULTS.glob("gpu*.json")):
        measured = json.loads(path.read_text())
        text = gpu_page.page(measured, {name: name for name in measured["groups"]})
        if tables(path.with_suffix(".md").read_text()) != tables(text):
            yield f"{path.stem}.md"


if __name__ == "__main__":
    names = list(old())
    for name in names:
        print(f"results/{name} is not what its script makes of the figures")
    sys.exit(1 if names else 0)
