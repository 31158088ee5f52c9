"""`--tune` on a GPU: layouts are timed, said, remembered and used, and change no bit. Times in the emulator mean nothing; what becomes of them does."""

import re
import subprocess

import numpy as np
import pytest

import device
import keops
from device import Gpu, on_gpu

FORMULA = """
x = Vi(0, 3); y = Vj(1, 3); b = Vj(2, 2)
u = Vi(3, 20); v = Vj(4, 20)
out plain = Sum[j](Exp(-SqDist(x, y)) * b)
out near = ArgKMin[j, K=3](SqDist(x, y))
out contracted = Max_SumShiftExp[j](-SqDist(u, v))
"""


def tuned(folder, *options):
    """What tuning says, a line a pass."""
    (folder / "tuned.kf").write_text(FORMULA)
    environment = device.environment(KEOPSC_CACHE_DIR=str(folder / "cache"))
    arguments = ["compile", folder / "tuned.kf", "--tune", "-o", folder / "libtuned.so", "--target", "native,cuda", *options]
    done = subprocess.run([keops.BINARY, *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def of_kernels(lines):
    return {match[1]: match[2] for match in (re.match(r"(\w+), pass 0: (\d+ (?:rows?|blocks) a \w+), ", line) for line in lines) if match}


def results(folder):
    random = np.random.default_rng(1)
    arrays = {name: random.normal(size=size).astype(np.float32) for name, size in {"x": (300, 3), "y": (700, 3), "b": (700, 2), "u": (300, 20), "v": (700, 20)}.items()}
    entries = keops.Library(folder / "libtuned.so").entries
    return {name: on_gpu(Gpu(0), entry, *(arrays[tensor["name"]] for tensor in entry.arguments)) for name, entry in entries.items()}


@pytest.mark.skipif(device.IS_REAL, reason="libraries of one name are opened one after the other here, and notes are looked for")
def test_layouts_are_timed_remembered_and_used(tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    said = tuned(folders[0])
    assert set(of_kernels(said)) == {"plain", "near", "contracted"}, said
    assert all(" ms" in line for line in said)
    remembered = tuned(folders[0])
    assert of_kernels(remembered) == of_kernels(said)
    assert all(line.endswith("(remembered)") for line in remembered)
    # Notes that say that other layouts are faster, whatever is.
    notes = (folders[0] / "cache" / "notes").iterdir()
    (folders[1] / "cache" / "notes").mkdir(parents=True)
    changed = 0
    for note in notes:
        text = note.read_text()
        words = text.split()
        if len(words) == 6 and words[1] in "01":
            other = {"0": "2" if words[2] != "2" else "1", "1": "3" if words[2] != "3" else "2"}[words[1]]
            text = f"{words[0]} {words[1]} {words[2]} {words[1]} {other} 1.5\n"
            changed += 1
        (folders[1] / "cache" / "notes" / note.name).write_text(text)
    assert changed == 3
    said = tuned(folders[1])
    assert sum("1.50 times as fast as with the model's" in line for line in said) == 3, said
    before, after = (results(folder) for folder in folders)
    for name, values in before.items():
        assert np.array_equal(values.view(np.uint8), after[name].view(np.uint8)), name


def test_code_for_another_gpu_is_not_timed(tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        tuned(tmp_path, "--gpu-arch", "75,120")
    assert "E0306" in caught.value.stderr and "--gpu-arch native" in caught.value.stderr
