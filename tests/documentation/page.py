"""Blocks of a page → what running them says: each page in a folder of its own, its blocks from top to bottom."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEOPSC = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc")).resolve()


class Missing(Exception):
    """A tool is not on this machine, so that the block cannot be run."""


@cache
def python():
    """The Python of the tests of the package, where it is there, since that has PyTorch; else the other tests', or this one."""
    candidates = [os.environ.get("KEOPSC_PAGES_PYTHON"), *(str(ROOT / folder / "bin" / "python") for folder in (".venv-torch", ".venv"))]
    return next((path for path in candidates if path and Path(path).is_file()), sys.executable)


@cache
def has_module(name):
    return subprocess.run([python(), "-c", f"import {name}"], capture_output=True).returncode == 0


# Reads one block a line as JSON, and answers with what it printed and the traceback.
WORKER = """
import contextlib, io, json, linecache, sys, traceback
names = {"__name__": "__main__"}
for number, line in enumerate(sys.stdin):
    text, printed, failed = json.loads(line), io.StringIO(), None
    place = f"<block {number}>"
    linecache.cache[place] = (len(text), None, text.splitlines(True), place)
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(text, place, "exec"), names)
    except BaseException:
        failed = traceback.format_exc()
    sys.__stdout__.write(json.dumps([printed.getvalue(), failed]) + "\\n")
    sys.__stdout__.flush()
"""


def install(home):
    """What `make install PREFIX=$HOME/keopsc` does."""
    subprocess.run([ROOT / "scripts" / "install.sh", KEOPSC, home / "keopsc"], check=True)


def install_r(home):
    """The R package, once."""
    if not (home / "R" / "keopsc").is_dir():
        (home / "R").mkdir(exist_ok=True)
        source = home / "keopsc" / "share" / "keopsc" / "r"
        done = subprocess.run(["R", "CMD", "INSTALL", "--no-docs", "-l", home / "R", source], text=True, capture_output=True)
        assert done.returncode == 0, done.stdout + done.stderr


def link_checkout(folder, home):
    """What commands at the root of a checkout name. Octave's gateway is compiled beside the toolbox: that is the installed one."""
    (folder / "samples").symlink_to(ROOT / "samples")
    (folder / "bindings").mkdir()
    for path in (ROOT / "bindings").iterdir():
        (folder / "bindings" / path.name).symlink_to(home / "keopsc" / "share" / "keopsc" / "matlab" if path.name == "matlab" else path)


class Page:
    """A folder, what has been written and printed there."""

    def __init__(self, folder, home):
        self.folder, self.home = folder, home
        self.given = {"c": "", "cpp": ""}
        self.scripts = {}
        self.worker, self.lacks_torch = None, False
        # What the last block printed; nothing is known where its tool is missing.
        self.printed = ""
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "PATH": f"{home / 'keopsc' / 'bin'}:{Path(python()).parent}:{os.environ['PATH']}",
            "CPATH": str(home / "keopsc" / "include"),
            "KEOPSC": str(KEOPSC),
            "KEOPSC_CACHE_DIR": str(home / "cache"),
            "KEOPSC_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT / "bindings" / "python" / "src"),
            "R_LIBS": str(home / "R"),
            "JULIA_LOAD_PATH": f"{home / 'keopsc' / 'share' / 'keopsc' / 'julia'}:@stdlib",
            "NO_COLOR": "1",
        }
        link_checkout(folder, home)

    def close(self):
        if self.worker:
            self.worker.stdin.close()
            self.worker.wait(60)

    def run(self, block):
        """Runs it, remembers what it printed; an AssertionError says what went wrong."""
        if block.is_output:
            return self.compare(block)
        if block.file:
            (self.folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / block.file).write_text(block.text)
        compiled = {"kf": self.formula, "c": self.c, "cpp": self.c, "rust": self.rust, "cmake": self.written}
        runner = {"sh": self.shell, "python": self.python, **compiled, **dict.fromkeys(SCRIPTS, self.script)}
        assert block.language in runner, f"blocks of {block.language or 'no language'} cannot be run: say `not run: why`, or `text`"
        runner[block.language](block)

    def compare(self, block):
        if self.printed is None:
            return
        pattern = ".*?".join(map(re.escape, block.text.strip().split("…")))
        match = re.search if "part" in block.words else re.fullmatch
        assert match(pattern, self.printed.strip(), re.DOTALL), f"the page says\n{block.text}\nbut it was\n{self.printed}"

    def command(self, *command, fails=False, environment=()):
        done = subprocess.run(
            list(map(str, command)), cwd=self.folder, env={**self.environment, **dict(environment)}, text=True, timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.printed = done.stdout
        assert (done.returncode != 0) == fails, f"exit status {done.returncode}:\n{done.stdout}"

    def shell(self, block):
        for tool in ("cmake", "octave"):
            if re.search(rf"^{tool} ", block.text, re.MULTILINE) and not shutil.which(tool):
                raise Missing(tool)
        self.command("bash", "-euo", "pipefail", "-c", block.text, fails=block.fails)

    def formula(self, block):
        """Pages show what the compiler says of a file under the file's name."""
        name = block.file or "formula.kf"
        (self.folder / name).write_text(block.text)
        if "used" not in block.words:
            self.command(KEOPSC, "check", name, fails=block.fails)

    def written(self, block):
        assert block.file, "such a block is a file: give it a name, `file=…`"

    def c(self, block):
        if "given" in block.words:
            self.given[block.language] = block.text
        elif not block.file:
            self.statements(block)

    def statements(self, block):
        text = self.given[block.language] + block.text
        includes = "".join(line + "\n" for line in text.splitlines() if line.startswith("#include"))
        rest = "".join(line + "\n" for line in text.splitlines() if not line.startswith("#include"))
        source = self.folder / f"statements.{block.language}"
        source.write_text(block.text if " main(" in block.text else f"{includes}int main() {{\n{rest}return 0;\n}}\n")
        libraries = [f"-l{path.name[3:-3]}" for path in self.folder.glob("lib*.so")]
        compiler = ["g++", "-std=c++17"] if block.language == "cpp" else ["gcc", "-std=c11"]
        self.command(*compiler, "-Wall", source, "-o", "statements", f"-L{self.folder}", f"-Wl,-rpath,{self.folder}", *libraries, "-lm", "-ldl")
        self.command("./statements")

    def rust(self, block):
        """A program of its own beside the crate of libraries' loader."""
        if not shutil.which("cargo"):
            raise Missing("Rust")
        (self.folder / "src").mkdir(exist_ok=True)
        (self.folder / "src" / "main.rs").write_text(block.text)
        (self.folder / "Cargo.toml").write_text(CARGO)
        shutil.copy(ROOT / "Cargo.lock", self.folder)
        built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "documentation"
        home = {"HOME": os.environ["HOME"]}
        self.command("cargo", "build", "--quiet", "--offline", "--target-dir", built, environment=home)
        self.command(built / "debug" / "page")

    def python(self, block):
        # What comes later may use what was not computed.
        self.lacks_torch |= "torch" in block.text and not has_module("torch")
        if self.lacks_torch:
            raise Missing("PyTorch")
        if not self.worker:
            self.worker = subprocess.Popen(
                [python(), "-c", WORKER], cwd=self.folder, env=self.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        self.worker.stdin.write(json.dumps(block.text) + "\n")
        self.worker.stdin.flush()
        self.printed, failed = json.loads(self.worker.stdout.readline())
        assert not failed, failed

    def script(self, block):
        """Octave, R and Julia keep nothing between blocks: those of before come first, then a line that tells where this one's output begins."""
        tool = SCRIPTS[block.language]
        program = tool.find()
        if not program:
            raise Missing(tool.name)
        if block.language == "r":
            install_r(self.home)
        before = self.scripts.setdefault(block.language, [])
        (self.folder / "script").write_text("".join([*before, tool.says.format(MARK), "\n", block.text]))
        before.append(block.text)
        self.command(program, *tool.options, "script")
        self.printed = self.printed.rpartition(f"{MARK}\n")[2]


CARGO = f"""[package]
name = "page"
edition = "2024"

[dependencies]
keopsc-runtime = {{ path = "{ROOT}/runtime" }}

[workspace]
"""
MARK = "---- here"


@dataclass(frozen=True)
class Script:
    """A program that runs a file; `says` is what prints a line in its language."""

    name: str
    programs: tuple
    options: tuple
    says: str

    def find(self):
        return next((found for found in map(shutil.which, self.programs) if found), None)


SCRIPTS = {
    "matlab": Script("Octave", ("octave",), ("--no-gui", "--quiet", "--norc"), "disp('{}')"),
    "r": Script("R", ("Rscript",), ("--vanilla",), "cat('{}\\n')"),
    "julia": Script("Julia", (os.environ.get("JULIA", "julia"), str(ROOT / ".julia" / "julia")), (), 'println("{}")'),
}
