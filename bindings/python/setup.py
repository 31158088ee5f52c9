"""Builds one wheel for all Pythons of a platform: the sources, and the compiler as `keopsc/bin/keopsc`.

The compiler is `$KEOPSC_BINARY`, or `target/release/keopsc` of the checkout (`make build`).
"""

import os
import re
import shutil
import sysconfig
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


#: The binary that the wheel carries. An editable installation needs none: the package finds that of the checkout, or another, when it is used.
COMPILER = Path(os.environ.get("KEOPSC_BINARY", HERE.parents[1] / "target" / "release" / "keopsc"))


def platform_tag() -> str:
    """The wheel's platform: on Linux the oldest version of the C library that the compiler's symbols allow."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if not platform.startswith("linux_") or not COMPILER.is_file():
        return platform
    versions = re.findall(rb"\bGLIBC_2\.(\d+)", COMPILER.read_bytes())
    return f"manylinux_2_{max(map(int, versions))}_{platform[len('linux_') :]}"


#: The licences of what the binary is made of, from scripts/licences.py.
LICENCES = HERE.parents[1] / "target" / "licences.txt"


class BuildWithCompiler(build_py):
    """The sources and the compiler."""

    def run(self):
        super().run()
        if not self.editable_mode:
            if not COMPILER.is_file():
                raise SystemExit(f"{COMPILER} does not exist: run `make build` at the root of the checkout, or set KEOPSC_BINARY to the compiler")
            folder = Path(self.build_lib) / "keopsc" / "bin"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(COMPILER, folder / "keopsc")
            (folder / "keopsc").chmod(0o755)
            if LICENCES.is_file():
                shutil.copy2(LICENCES, folder / "LICENCES.txt")


class WheelForAllPythons(bdist_wheel):
    """A wheel py3-none-PLATFORM."""

    def get_tag(self):
        return "py3", "none", platform_tag()


class Platform(Distribution):
    """A distribution that belongs to one platform."""

    def has_ext_modules(self):
        return True


setup(cmdclass={"build_py": BuildWithCompiler, "bdist_wheel": WheelForAllPythons}, distclass=Platform)
