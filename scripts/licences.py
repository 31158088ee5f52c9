#!/usr/bin/env python3
"""Writes one file with the licences of what the compiler's binary is made of: all crates, LLVM, and the libraries that a wheel brings along.

scripts/licences.py OUTPUT

Crates are those of `cargo metadata`, with the files that they come with; LLVM and libraries are Debian's packages, with their copyright files.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEBIAN = ["llvm-22-dev", "libffi8", "libstdc++6", "zlib1g"]
NAMES = ("LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "UNLICENSE*", "license*")


def crates():
    """The crates that the command is made of, without those of this project: (name and version, licence, folder)."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", str(ROOT / "Cargo.toml")]
    metadata = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    needs = {node["id"]: [dep["pkg"] for dep in node["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])] for node in metadata["resolve"]["nodes"]}
    found, waiting = set(), [package["id"] for package in metadata["packages"] if package["name"] == "keopsc"]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += needs[package]
    for package in sorted((packages[package] for package in found), key=lambda package: (package["name"], package["version"])):
        if package["source"] is not None:
            yield f"{package['name']} {package['version']}", package["license"] or "see below", Path(package["manifest_path"]).parent


def texts(folder):
    """The licence files of a folder."""
    return sorted({path for name in NAMES for path in folder.glob(name) if path.is_file()})


def main(output):
    parts = ["What the compiler in this package is made of, and the licences of that.\n"]
    for name, licence, folder in crates():
        parts.append(f"{'=' * 100}\nThe crate {name}: {licence}\n")
        parts += [f"--- {path.name}\n{path.read_text(errors='replace').strip()}\n" for path in texts(folder)]
    for package in DEBIAN:
        path = Path("/usr/share/doc") / package / "copyright"
        if path.is_file():
            parts.append(f"{'=' * 100}\nDebian's package {package}\n{path.read_text(errors='replace').strip()}\n")
    Path(output).write_text("\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1])
