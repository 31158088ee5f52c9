"""Complex storage: complex64 and complex128 inputs, operators and functions on them, derivatives, layouts."""

import numpy as np
import pytest

from keops import CallError, DTYPE, STRIDE, keopsc, relative_error, tensor_of

M, N = 37, 151


def complex_numbers(random, shape, dtype=np.complex64):
    return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(dtype)


FORMULAS = {
    # text of the output, NumPy's value of the matrix over pairs
    "z * w": lambda x, y, r: x * y,
    "z + w": lambda x, y, r: x + y,
    "z - r": lambda x, y, r: x - r,
    "r - z": lambda x, y, r: r - x,
    "r * z + 2": lambda x, y, r: r * x + 2,
    "z / w": lambda x, y, r: x / y,
    "z / r": lambda x, y, r: x / r,
    "r / z": lambda x, y, r: r / x,
    "1 / z": lambda x, y, r: 1 / x + 0 * y,
    "z ** 3 + w": lambda x, y, r: x**3 + y,
    "z ** -2 + w": lambda x, y, r: x**-2 + y,
    "z ** 0.5 + w": lambda x, y, r: x**0.5 + y,
    "z ** w": lambda x, y, r: x**y,
    "Exp(-z) * Conj(w)": lambda x, y, r: np.exp(-x) * np.conj(y),
    "Log(z * w)": lambda x, y, r: np.log(x * y),
    "Sqrt(z) + Sin(w) - Cos(w)": lambda x, y, r: np.sqrt(x) + np.sin(y) - np.cos(y),
    "Square(z) + Inv(w)": lambda x, y, r: x**2 + 1 / y,
    "Abs(z - w)": lambda x, y, r: np.abs(x - y),
    "ComplexExp1j(r) * w": lambda x, y, r: np.exp(1j * r) * y + 0 * x,
    "ComplexReal(z) * ComplexImag(w)": lambda x, y, r: x.real * y.imag,
    "Sum(z * w) * z": lambda x, y, r: (x * y).sum(-1, keepdims=True) * x,
    "z[1] * w": lambda x, y, r: x[..., 1:2] * y,
    "Concat(z, w)": lambda x, y, r: np.concatenate(np.broadcast_arrays(x, y), axis=-1),
    "IfElse(r[0], z, w)": lambda x, y, r: np.where(r[..., :1] >= 0, x, y),
}


@pytest.mark.parametrize("name, dtype", [("c64", np.complex64), ("c128", np.complex128)])
def test_operators_and_functions(compiled, random, name, dtype):
    """Sums over j of what NumPy computes pair by pair."""
    outputs = "\n".join(f"out f{number} = Sum[j]({text})" for number, text in enumerate(FORMULAS))
    library = compiled(f"dtype {name}\nz = Vi(2)\nw = Vj(2)\nr = Vj(2, dtype={'f32' if name == 'c64' else 'f64'})\n{outputs}\n", "zs")
    z, w = complex_numbers(random, (M, 2), dtype), complex_numbers(random, (N, 2), dtype)
    r = random.standard_normal((N, 2)).astype(z.real.dtype)
    by_name = {"z": z, "w": w, "r": r}
    for number, (text, matrix) in enumerate(FORMULAS.items()):
        entry = getattr(library, f"f{number}")
        given = [by_name[tensor["name"]] for tensor in entry.arguments]
        m = M if any(tensor["role"] == "i" for tensor in entry.arguments) else 1
        rows = {} if m == M else {"rows_i": M}
        result = np.full((M, entry.results[0]["shape"][-1]), 77, z.dtype if entry.results[0]["dtype"] == name else r.dtype)
        n = {} if any(tensor["role"] == "j" for tensor in entry.arguments) else {"rows_j": N}
        entry.call_into(*given, result, **rows, **n)
        wide = matrix(z[:, None].astype(np.complex128), w[None].astype(np.complex128), r[None].astype(np.float64))
        expected = np.broadcast_to(wide, (M, N, wide.shape[-1])).sum(axis=1)
        error = np.linalg.norm(result - expected) / np.linalg.norm(expected)
        assert error <= 60 * np.finfo(r.dtype).eps, (text, error)


def test_a_transform_at_arbitrary_frequencies(compiled, random):
    """The sum of f_j exp(i x_i y_j), complex values and real points."""
    library = compiled("x = Vi(3)\ny = Vj(3)\nf = Vj(2, dtype=c64)\nout s = Sum[j](ComplexExp1j(x | y) * f)\n", "nudft")
    x, y = random.standard_normal((M, 3)).astype(np.float32), random.standard_normal((N, 3)).astype(np.float32)
    f = complex_numbers(random, (N, 2))
    expected = np.exp(1j * (x.astype(np.float64) @ y.T.astype(np.float64))) @ f
    assert np.linalg.norm(library.s(x, y, f) - expected) <= 1e-6 * np.linalg.norm(expected)
    assert library.s.manifest["tensors"][-1] == {"name": "s", "kind": "output", "role": "i", "shape": [2], "dtype": "c64"}
    plain = library.s.plain(M, N, x, y, f)
    assert np.array_equal(plain, library.s(x, y, f))


def test_gradients_are_those_of_the_parts(compiled, random):
    """The gradient of Re(conj(e) * value) in the real and in the imaginary part, as PyTorch has it."""
    text = "dtype c128\nz = Vi(1)\nw = Vj(1)\nout s = Sum[j](Exp(-z * w) / (w + 3))\nout s_z = Grad(s, z)\nout s_w = Grad(s, w)\nout t = Diff(s, z)\n"
    library = compiled(text, "holomorphic")
    z, w = complex_numbers(random, (5, 1), np.complex128), complex_numbers(random, (7, 1), np.complex128)
    e = complex_numbers(random, (5, 1), np.complex128)
    derivative = -w.T * np.exp(-z * w.T) / (w.T + 3)
    by_w = np.exp(-z * w.T) * (-z / (w.T + 3) - 1 / (w.T + 3) ** 2)
    assert np.allclose(library.s_z(z, w, e), (e * derivative.conj()).sum(1, keepdims=True), rtol=1e-12)
    assert np.allclose(library.s_w(z, w, e), (e * by_w.conj()).sum(0)[:, None], rtol=1e-12)
    assert np.allclose(library.t(z, w, e), e * derivative.sum(1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("change", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: np.ascontiguousarray(a[::-1])[::-1]])
def test_layouts(compiled, random, change):
    library = compiled("dtype c64\nz = Vi(3)\nw = Vj(3)\nout s = Sum[j](z * w)\n", "layouts")
    z, w = complex_numbers(random, (2, M, 3)), complex_numbers(random, (N, 3))
    expected = library.s(z, w)
    result = np.stack([change(np.zeros((M, 3), np.complex64)) for _ in range(2)])
    library.s.call_into(np.stack([change(part) for part in z]), change(w), result)
    assert np.array_equal(result, expected)
    assert np.array_equal(library.s(z[1], w), expected[1])


def test_parts_need_not_be_aligned_as_pairs(compiled, random):
    library = compiled("dtype c64\nz = Vi(1)\nw = Vj(1)\nout s = Sum[j](z * w)\n", "parts")
    z, w = complex_numbers(random, (M, 1)), complex_numbers(random, (N, 1))
    bytes_ = np.zeros(8 * M + 4, np.uint8)
    shifted = bytes_[4:].view(np.complex64).reshape(M, 1)
    shifted[...] = z
    assert np.array_equal(library.s(shifted, w), library.s(z, w))
    off = tensor_of(z)
    off.data += 2
    with pytest.raises(CallError, match="tensor z: data is not aligned to 4 bytes") as error:
        library.s.call_into(off, w, np.zeros((M, 1), np.complex64))
    assert error.value.status == STRIDE


def test_real_arrays_are_refused(compiled, random):
    library = compiled("dtype c64\nz = Vi(1)\nw = Vj(1)\nout s = Sum[j](z * w)\n", "refused")
    z, w = complex_numbers(random, (M, 1)), complex_numbers(random, (N, 1))
    with pytest.raises(CallError, match="tensor z: expected complex64, given float32") as error:
        library.s.call_into(z.real.copy(), w, np.zeros((M, 1), np.complex64))
    assert error.value.status == DTYPE


def test_the_command_line_reads_and_writes_complex_files(tmp_path, random):
    z, w = complex_numbers(random, (M, 1)), complex_numbers(random, (N, 1))
    np.save(tmp_path / "z.npy", z)
    np.save(tmp_path / "w.npy", w.astype(np.complex128))
    np.save(tmp_path / "r.npy", z.real)
    (tmp_path / "s.kf").write_text("dtype c64\nz = Vi(1)\nw = Vj(1)\nout s = Sum[j](z * w)\n")
    keopsc("run", tmp_path / "s.kf", f"z={tmp_path}/z.npy", f"w={tmp_path}/w.npy", "-o", tmp_path / "s.npy")
    result = np.load(tmp_path / "s.npy")
    assert result.dtype == np.complex64
    assert np.allclose(result, z * w.sum(), rtol=1e-5)
    keopsc("run", tmp_path / "s.kf", f"z={tmp_path}/r.npy", f"w={tmp_path}/w.npy", "-o", tmp_path / "s.csv")
    assert np.allclose(np.loadtxt(tmp_path / "s.csv", dtype=complex)[:, None], z.real * w.sum(), rtol=1e-5)
    np.savetxt(tmp_path / "z.csv", z, delimiter=",", fmt="%.9g%+.9gj")
    keopsc("run", tmp_path / "s.kf", f"z={tmp_path}/z.csv", f"w={tmp_path}/w.npy", "-o", tmp_path / "t.npy")
    assert np.array_equal(np.load(tmp_path / "t.npy"), result)
    (tmp_path / "t.kf").write_text("z = Vi(1)\nw = Vj(1)\nout s = Sum[j](z * w)\n")
    failed = keopsc("run", tmp_path / "t.kf", f"z={tmp_path}/z.npy", f"w={tmp_path}/r.npy", "-o", tmp_path / "s.npy", check=False)
    assert failed.returncode == 2
    assert "complex numbers do not become real ones" in failed.stderr


def test_choices_of_complex_numbers(compiled, random):
    """A condition is for whole numbers, never for their parts; single conditions and numbers stand for all."""
    text = "z = Vi(2, dtype=c64); w = Vj(2, dtype=c64); s = Vj(1, dtype=c64); m = Vi(2)\n"
    formulas = {
        "IfElse(m, z, w)": lambda z, w, s, m: np.where(m >= 0, z, w),
        "IfElse(m, z, 0)": lambda z, w, s, m: np.where(m >= 0, z, 0),
        "IfElse(ComplexReal(z), s, w)": lambda z, w, s, m: np.where(z.real >= 0, s, w),
        "IfElse(m[0], s, w)": lambda z, w, s, m: np.where(m[..., :1] >= 0, s, w),
    }
    library = compiled(text + "\n".join(f"out f{n} = Sum[j]({formula} * w)" for n, formula in enumerate(formulas)), "choices")
    z, w, s = complex_numbers(random, (M, 2)), complex_numbers(random, (N, 2)), complex_numbers(random, (N, 1))
    m = random.standard_normal((M, 2)).astype(np.float32)
    given = {"z": z, "w": w, "s": s, "m": m}
    wide = [array.astype(np.complex128 if array.dtype.kind == "c" else np.float64) for array in (z[:, None], w[None], s[None], m[:, None])]
    for number, (text, value) in enumerate(formulas.items()):
        entry = library.entries[f"f{number}"]
        found = entry(*(given[tensor["name"]] for tensor in entry.arguments))
        expected = (value(*wide) * wide[1]).sum(axis=1)
        assert np.linalg.norm(found - expected) <= 1e-5 * np.linalg.norm(expected), text


def test_magnitudes_near_the_ends_of_the_range(compiled):
    """Quotients, absolute values and powers neither overflow nor vanish where their values do not; 0 ** 0.5 is 0."""
    text = "dtype c64\nz = Vi(1); w = Vj(1)\nout q = Sum[j](z / w)\nout a = Sum[j](Abs(z) + 0 * Abs(w))\nout p = Sum[j](z ** -2 + 0 * w)\nout r = Sum[j](z ** 0.5 + 0 * w)\n"
    library = compiled(text, "magnitudes")
    number = lambda value: np.array([[value]], np.complex64)  # noqa: E731
    for scale in (1e20, 1e-25, 1e30, 3e37):
        assert np.allclose(library.q(number(scale), number(scale * 1j)), -1j, rtol=1e-6)
        assert np.allclose(library.a(number(scale * (3 + 4j)), number(1)), 5 * scale, rtol=1e-6)
    assert np.allclose(library.p(number(1e15 + 1e15j), number(1)), 1 / (1e15 + 1e15j) ** 2, rtol=1e-5)
    assert library.p(number(1e30), number(1)) == 0
    assert library.r(number(0), number(1)) == 0
    assert np.allclose(library.r(number(-4), number(1)), 2j, atol=1e-6)


def test_the_command_line_keeps_the_kind(tmp_path):
    """A file of complex numbers means something else in real ones."""
    (tmp_path / "s.kf").write_text("dtype c64\nz = Vi(1)\nw = Vj(1)\nout s = Sum[j](z * w)\n")
    keopsc("check", tmp_path / "s.kf", "--dtype", "c128")
    refused = keopsc("check", tmp_path / "s.kf", "--dtype", "f64", check=False)
    assert refused.returncode == 1
    assert "this file is complex, and the type asked for, `f64`, is real" in refused.stderr
