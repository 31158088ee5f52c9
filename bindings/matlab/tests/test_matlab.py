"""The toolbox in Octave: run_tests.m, also with sanitizers, and on a GPU (the emulated one)."""

import os
import subprocess
import sys
from pathlib import Path

TOOLBOX = Path(__file__).resolve().parents[1]
ROOT = TOOLBOX.parents[1]
KEOPSC = Path(os.environ.get("KEOPSC", ROOT / "target" / "release" / "keopsc")).resolve()
sys.path.append(str(ROOT / "tests" / "python"))

import device  # noqa: E402

STRICT = "-g -O1 -Wall -Wextra -Werror"


def octave(code, **environment):
    done = subprocess.run(
        ["octave-cli", "--norc", "--no-history", "--eval", code],
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "KEOPSC": str(KEOPSC), **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tests(toolbox, folder, before="", **environment):
    output = octave(f"{before} addpath('{toolbox}/tests'); run_tests('{folder}')", **environment)
    assert output.count("\nok ") >= 15, output


def test_in_octave(tmp_path):
    run_tests(TOOLBOX, tmp_path, CFLAGS=STRICT)


def test_with_sanitizers(tmp_path):
    """Octave itself has none, so they are loaded before it; what Octave leaves behind is no leak of ours."""
    sanitizers = [subprocess.run(["gcc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True).stdout.strip() for name in ("asan", "ubsan")]
    run_tests(
        TOOLBOX,
        tmp_path,
        before="setenv('LD_PRELOAD', '');",
        CFLAGS=f"{STRICT} -fsanitize=address,undefined -fno-sanitize-recover=undefined",
        LD_PRELOAD=" ".join(sanitizers),
        ASAN_OPTIONS="detect_leaks=0",
    )


def test_on_a_gpu(tmp_path):
    code = f"addpath('{TOOLBOX}', '{TOOLBOX}/examples', '{tmp_path}'); keopsc_build('{tmp_path}'); example_select_device(1);"
    missing = "F = keops_kernel('x * y', 'x = Vi(1)', 'y = Vj(1)', struct('tagCpuGpu', 1, 'device_id', 7)); try, F(1, 1), catch e, disp(e), end"
    output = octave(code + missing, **device.environment())
    assert "differs from plain Matlab" in output
    assert "keopsc:device" in output and "there is no CUDA device 7" in output


def test_installed(tmp_path):
    """What `make install` puts elsewhere finds its compiler and its header."""
    subprocess.run([ROOT / "scripts" / "install.sh", KEOPSC, tmp_path / "prefix"], check=True)
    toolbox = tmp_path / "prefix" / "share" / "keopsc" / "matlab"
    code = f"addpath('{toolbox}'); F = keops_kernel('x * y', 'x = Vi(1)', 'y = Vj(1)'); disp(F(3, [4 5]))"
    assert octave(code, KEOPSC="", PATH="/usr/bin:/bin").split() == ["27"]
