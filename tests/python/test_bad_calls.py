"""Calls that cannot be carried out: each gets its status and the exact message, and nothing is written."""

import ctypes

import numpy as np
import pytest

import keops
from formulas import GAUSS, gauss_arguments
from keops import CallError, tensor_of

M, N = 5, 7


def inputs():
    x, y, b, sigma = gauss_arguments(np.random.default_rng(0), M, N)
    return {"x": x, "y": y, "b": b, "sigma": sigma, "conv": np.full((M, 1), 77, np.float32)}


def changed(name, change):
    """A call whose one tensor is changed."""

    def make():
        arrays = inputs()
        arrays[name] = change(arrays[name])
        return arrays

    return make


def with_field(name, **fields):
    """A call where fields of one DLTensor are set."""

    def make():
        arrays = inputs()
        tensor = tensor_of(arrays[name])
        for field, value in fields.items():
            setattr(tensor, field, value)
        arrays[name] = tensor
        return arrays

    return make


def result_in_place_of(name):
    """A call whose result lies where an argument lies."""

    def make():
        arrays = inputs()
        arrays["x"] = np.zeros((M, 3), np.float32)
        arrays["conv"] = arrays[name][:M, :1]
        return arrays

    return make


def misaligned(array):
    memory = np.zeros(array.nbytes + 1, np.uint8)
    return memory[1:].view(array.dtype).reshape(array.shape)


CASES = {
    "dim": (
        changed("x", lambda x: np.zeros((M, 4), np.float32)),
        keops.SHAPE,
        "conv: tensor x: expected shape (batch..., M, 3), given shape (5, 4)",
    ),
    "too few dimensions": (
        changed("y", lambda y: y[0]),
        keops.SHAPE,
        "conv: tensor y: expected shape (batch..., N, 3), given shape (3,)",
    ),
    "parameter": (
        changed("sigma", lambda s: np.zeros(2, np.float32)),
        keops.SHAPE,
        "conv: tensor sigma: expected shape (batch..., 1), given shape (2,)",
    ),
    "rows": (
        changed("b", lambda b: b[:-1]),
        keops.SHAPE,
        "conv: tensor b: expected shape (batch..., 7, 1), given shape (6, 1) (y has 7 rows)",
    ),
    "rows of the result": (
        changed("conv", lambda c: c[:-1]),
        keops.SHAPE,
        "conv: result conv: expected shape (batch..., 5, 1), given shape (4, 1) (x has 5 rows)",
    ),
    "batches": (
        lambda: inputs() | {"x": np.zeros((2, M, 3), np.float32), "y": np.zeros((3, N, 3), np.float32)},
        keops.SHAPE,
        "conv: tensor y: batch shape (3,) does not broadcast with (2,) of the tensors before it",
    ),
    "batch of the result": (
        changed("x", lambda x: np.zeros((2, M, 3), np.float32)),
        keops.SHAPE,
        "conv: result conv: expected shape (2, 5, 1), given shape (5, 1)",
    ),
    "dtype": (
        changed("x", lambda x: x.astype(np.float64)),
        keops.DTYPE,
        "conv: tensor x: expected float32, given float64",
    ),
    "integers": (
        changed("b", lambda b: b.astype(np.int32)),
        keops.DTYPE,
        "conv: tensor b: expected float32, given int32",
    ),
    "tensor is NULL": (changed("y", lambda y: None), keops.NULL_POINTER, "conv: tensor y is NULL"),
    "data is NULL": (
        with_field("x", data=None),
        keops.NULL_POINTER,
        "conv: tensor x: data is NULL, but the shape is (5, 3)",
    ),
    "shape is NULL": (with_field("x", shape=None), keops.NULL_POINTER, "conv: tensor x: shape is NULL"),
    "alignment": (changed("x", misaligned), keops.STRIDE, "conv: tensor x: data is not aligned to 4 bytes"),
    "result with stride 0": (
        changed("conv", lambda c: np.lib.stride_tricks.as_strided(c, (M, 1), (0, 4))),
        keops.STRIDE,
        "conv: result conv: strides (0, 1) of shape (5, 1) put several elements in one place",
    ),
    "result in an argument": (result_in_place_of("y"), keops.STRIDE, "conv: result conv shares memory with y"),
    "CUDA memory": (
        with_field("x", device=keops.Device(keops.CUDA, 0)),
        keops.DEVICE,
        "conv: tensor x is on CUDA device 0, but this library has no code for GPUs: compile it with --target cuda",
    ),
    "some other device": (
        with_field("x", device=keops.Device(8, 0)),
        keops.DEVICE,
        "conv: tensor x is on a device of DLPack type 8, which is not supported",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_tensors(compiled, case):
    make, status, message = CASES[case]
    arrays = make()
    with pytest.raises(CallError) as failure:
        compiled(GAUSS, "gauss").conv.call_into(*arrays.values())
    assert (failure.value.status, failure.value.message) == (status, message)
    result = arrays["conv"]
    assert case == "result in an argument" or np.all(np.asarray(result) == 77)


OPTIONS = {
    "threads": ({"threads": -1}, keops.ARGUMENTS, "conv: threads is -1, expected 0 (automatic) or more"),
    "rows_i": ({"rows_i": 6}, keops.SHAPE, "conv: rows_i is 6, but x has 5 rows; give the same number or -1"),
    "rows_j": ({"rows_j": 0}, keops.SHAPE, "conv: rows_j is 0, but y has 7 rows; give the same number or -1"),
    "device": (
        {"device_type": keops.CUDA},
        keops.DEVICE,
        "conv: this library has no code for GPUs: compile it with --target cuda",
    ),
    "old struct": ({"struct_size": 8}, keops.ARGUMENTS, ""),
    "count": (
        {"num_tensors": 4},
        keops.ARGUMENTS,
        "conv: expected 5 tensors (x, y, b, sigma, conv), given 4",
    ),
    "tensors are NULL": ({"num_tensors": 5}, keops.NULL_POINTER, "conv: the array of tensors is NULL"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options(compiled, case):
    options, status, message = OPTIONS[case]
    entry = compiled(GAUSS, "gauss").conv
    arrays = inputs()
    call, text = entry.prepared(*arrays.values(), **options)
    if case == "tensors are NULL":
        call.tensors = None
    assert entry.point.run(ctypes.byref(call)) == status
    assert text.value.decode() == message
    assert np.all(arrays["conv"] == 77)


def test_no_call_struct(compiled):
    assert compiled(GAUSS, "gauss").conv.point.run(None) == keops.NULL_POINTER


@pytest.mark.parametrize("size", [0, 1, 10])
def test_messages_are_cut_to_fit(compiled, size):
    entry = compiled(GAUSS, "gauss").conv
    call, text = entry.prepared(*inputs().values(), threads=-1)
    ctypes.memset(text, ord("#"), len(text))
    call.message_size = size
    assert entry.point.run(ctypes.byref(call)) == keops.ARGUMENTS
    whole = b"conv: threads is -1, expected 0 (automatic) or more"
    expected = whole[: max(size - 1, 0)] + (b"\0" if size else b"")
    assert text.raw[: size + 3] == expected + b"###"


def test_layer_1(compiled):
    library = compiled(GAUSS, "gauss")
    arrays = list(inputs().values())
    cases = [
        ((-1, N, *arrays), keops.SHAPE),
        ((M, -1, *arrays), keops.SHAPE),
        ((M, N, None, *arrays[1:]), keops.NULL_POINTER),
        ((M, N, *arrays[:-1], None), keops.NULL_POINTER),
        ((M, N, misaligned(arrays[0]), *arrays[1:]), keops.STRIDE),
        ((M, N, *arrays[:-1], arrays[0]), keops.STRIDE),
    ]
    for arguments, status in cases:
        with pytest.raises(CallError) as failure:
            library.conv.plain_into(*arguments)
        assert failure.value.status == status
    assert np.all(arrays[-1] == 77)


def test_null_is_allowed_where_there_are_no_rows(compiled):
    library = compiled(GAUSS, "gauss")
    x, _, _, sigma, conv = inputs().values()
    library.conv.plain_into(M, 0, x, None, None, sigma, conv)
    assert np.all(conv == 0)
    library.conv.plain_into(0, 0, None, None, None, sigma, None)


def test_every_status_has_a_text(compiled):
    library = compiled(GAUSS, "gauss")
    texts = [library.strerror(status) for status in range(14)]
    assert len(set(texts)) == 14
    assert library.strerror(14) == library.strerror(-1) == "unknown status"
    library.handle.gauss_strerror.restype = ctypes.c_char_p
    assert library.handle.gauss_strerror(keops.SHAPE).decode() == texts[keops.SHAPE]


def test_prepare(compiled):
    entry = compiled(GAUSS, "gauss").conv.point
    assert entry.prepare(keops.CPU, 0) == keops.OK
    assert entry.prepare(keops.CUDA, 0) == keops.DEVICE
