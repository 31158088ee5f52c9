"""What `make install` puts where, with nothing of the machine that it was built on."""

import os
import shutil
import subprocess

import pytest

from keops import BINARY, ROOT

PLACES = {
    "bin/keopsc",
    "include/keopsc.hpp",
    "include/keopsc_abi.h",
    "share/bash-completion/completions/keopsc",
    "share/cmake/keopsc/keopscConfig.cmake",
    "share/cmake/keopsc/keopscConfigVersion.cmake",
    "share/doc/keopsc/CHANGELOG.md",
    "share/doc/keopsc/CITATION.cff",
    "share/doc/keopsc/LICENSE",
    "share/doc/keopsc/README.md",
    "share/fish/vendor_completions.d/keopsc.fish",
    "share/man/man1/keopsc.1",
    "share/pkgconfig/keopsc.pc",
    "share/zsh/site-functions/_keopsc",
}
# Each has many files, which the tests of the binding know.
BINDINGS = ("share/keopsc/julia/", "share/keopsc/matlab/", "share/keopsc/r/")
COMMANDS = ["cache", "check", "compile", "completions", "explain", "inspect", "man", "ops", "run", "targets"]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run([ROOT / "scripts/install.sh", BINARY, folder], check=True)
    return folder


def installed(prefix):
    return {path.relative_to(prefix).as_posix(): path for path in prefix.rglob("*") if path.is_file()}


def test_every_file_has_its_place(prefix):
    found = set(installed(prefix))
    assert {name for name in found if not name.startswith(BINDINGS)} == PLACES
    assert all(any(name.startswith(folder) for name in found) for folder in BINDINGS)


def test_files_can_be_read_by_all_and_only_the_compiler_is_run(prefix):
    modes = {name: path.stat().st_mode & 0o777 for name, path in installed(prefix).items()}
    assert modes.pop("bin/keopsc") == 0o755
    assert set(modes.values()) == {0o644}


def test_no_text_names_a_folder_of_this_machine(prefix):
    """The compiler does: internal defects name the line of its sources."""
    folders = [str(folder).encode() for folder in (ROOT, prefix)]
    texts = {name: path.read_bytes() for name, path in installed(prefix).items() if name != "bin/keopsc"}
    assert [name for name, text in texts.items() if any(folder in text for folder in folders)] == []


def completed(prefix, *words):
    """What bash offers for the last word."""
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keopsc keopsc "${@: -1}" "${@: -2:1}"; printf "%s\\n" "${COMPREPLY[@]}"'
    path = prefix / "share/bash-completion/completions/keopsc"
    return subprocess.run(["bash", "-c", script, path, *words], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes(prefix):
    assert set(COMMANDS) <= set(completed(prefix, "keopsc", ""))
    assert completed(prefix, "keopsc", "comp") == ["compile", "completions"]
    assert completed(prefix, "keopsc", "compile", "--gpu-a") == ["--gpu-arch"]


def test_the_manual_page_has_all_commands(prefix):
    page = prefix / "share/man/man1/keopsc.1"
    version = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    assert f'.TH keopsc 1  "{version}"' in page.read_text()
    assert [command for command in COMMANDS if f"keopsc\\-{command}" not in page.read_text()] == []
    if shutil.which("groff"):
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True, check=True, env=environment)
        assert done.stderr == ""
