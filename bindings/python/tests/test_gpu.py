"""GPUs: memory of the CPU that goes through one, in the checkout's emulator of CUDA's driver; with KEOPSC_TEST_GPU=1 tensors on the machine's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import keopsc
import keopsc.compiler

torch = pytest.importorskip("torch")

IS_REAL = os.environ.get("KEOPSC_TEST_GPU") == "1"
ROOT = Path(__file__).resolve().parents[3]


def test_the_compiler_is_asked_for_the_gpus_at_hand(monkeypatch):
    """With an architecture it would make PTX for other GPUs, too, which takes as long again."""
    monkeypatch.delenv("KEOPSC_GPU_ARCH", raising=False)
    assert keopsc.compiler._target("cuda") == ("--target", "native,cuda") and keopsc.compiler._target("cpu") == ()
    monkeypatch.setenv("KEOPSC_GPU_ARCH", "80,90")
    assert keopsc.compiler._target("cuda") == ("--target", "native,cuda", "--gpu-arch", "80,90")


STREAMED = """
import ctypes, numpy as np, torch
import keopsc.numpy as kn, keopsc.torch as kt

random = np.random.default_rng(0)
x, y, b = random.standard_normal((40, 3)), random.standard_normal((50, 3)), random.standard_normal((50, 2))
formula = ("Exp(-SqDist(x, y)) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(2)"])
full = np.exp(-((x[:, None] - y) ** 2).sum(-1)) @ b
np.testing.assert_allclose(kn.Genred(*formula, axis=1)(x, y, b, backend="GPU"), full)
kernel = (-kn.Vi(x).sqdist(kn.Vj(y))).exp()
kernel.backend = "GPU_1D"
np.testing.assert_allclose(kernel @ b, full)
np.testing.assert_allclose(kernel.argKmin(3, axis=1), np.argsort(kernel.dense(), 1, kind="stable")[:, :3])

given = [torch.as_tensor(array).requires_grad_() for array in (x, y, b)]
genred = kt.Genred(*formula, axis=1)
value = genred(*given, backend="GPU", device_id=DEVICE)
np.testing.assert_allclose(value.detach(), full)
there = torch.autograd.grad(value.square().sum(), given)
here = torch.autograd.grad(genred(*given).square().sum(), given)
for a, c in zip(there, here):
    torch.testing.assert_close(a, c)
launches = getattr(ctypes.CDLL("libcuda.so.1"), "emulator_calls", None)
assert launches is None or launches(b"cuLaunchKernel") > 0
print("streamed")
"""


@pytest.mark.skipif(not IS_REAL and not (ROOT / "tests" / "emulator" / "nvcc").is_file(), reason="no checkout with an emulator of GPUs")
def test_memory_of_the_cpu_goes_through_a_gpu():
    environment = dict(os.environ, PYTHONPATH=str(Path(keopsc.__file__).parents[1]))
    if not IS_REAL:
        made = subprocess.run(
            [sys.executable, "-c", "import device; print(device.build())"], cwd=ROOT / "tests" / "python", capture_output=True, text=True, timeout=300
        )
        assert made.returncode == 0, made.stderr
        environment.update(LD_LIBRARY_PATH=str(Path(made.stdout.strip()).parent), KEOPSC_NVCC=str(ROOT / "tests" / "emulator" / "nvcc"))
    done = subprocess.run(
        [sys.executable, "-c", STREAMED.replace("DEVICE", "0" if IS_REAL else "1")], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.stdout.strip() == "streamed", done.stderr


on_gpu = pytest.mark.skipif(not (IS_REAL and torch.cuda.is_available()), reason="needs a GPU, and KEOPSC_TEST_GPU=1")


def pair(*shapes, dtype=torch.float64):
    """Tensors on the CPU and the same on the GPU, both with gradients."""
    generator = torch.Generator().manual_seed(0)
    here = [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]
    return here, [tensor.detach().cuda().requires_grad_() for tensor in here]


@on_gpu
@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-11), (torch.float32, 1e-4), (torch.float16, 2e-2)])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_values_and_gradients(batch, dtype, tolerance):
    from keopsc.torch import Genred, LazyTensor

    here, there = pair((*batch, 70, 3), (90, 3), (*batch, 90, 2), dtype=dtype)
    genred = Genred("Exp(-SqDist(x, y)) * b", ["x = Vi(3)", "y = Vj(3)", "b = Vj(2)"], axis=1)
    lazy = lambda x, y, b: (-((LazyTensor(x[..., :, None, :]) - LazyTensor(y[..., None, :, :])) ** 2).sum(-1) / 1.5).exp() @ b  # noqa: E731
    for function in (genred, lazy):
        values = [function(*given) for given in (here, there)]
        assert values[1].is_cuda and values[1].dtype == dtype
        gradients = [torch.autograd.grad(value.square().sum(), given) for value, given in zip(values, (here, there))]
        for a, c in zip((values[0], *gradients[0]), (values[1], *gradients[1])):
            torch.testing.assert_close(c.detach().cpu(), a.detach(), rtol=tolerance, atol=tolerance * float(a.detach().abs().max()))


@on_gpu
def test_row_numbers_and_second_derivatives():
    from keopsc.torch import Vi, Vj

    (x, y), (cx, cy) = pair((70, 3), (90, 3))
    assert torch.equal(Vi(cx).sqdist(Vj(cy)).argKmin(4, axis=1).cpu(), Vi(x).sqdist(Vj(y)).argKmin(4, axis=1))
    assert torch.autograd.gradgradcheck(
        lambda a, b: (-Vi(a).sqdist(Vj(b))).logsumexp(1), (cx[:5].detach().requires_grad_(), cy[:6].detach().requires_grad_())
    )


@on_gpu
def test_streams():
    """Calls wait for what their stream has before them, and for nothing else."""
    from keopsc.torch import Genred

    genred = Genred("Exp(-SqDist(x, y))", ["x = Vi(3)", "y = Vj(3)"], axis=1)
    x, y = torch.randn(2000, 3, device="cuda"), torch.randn(3000, 3, device="cuda")
    expected = genred(x, y)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        late = torch.zeros_like(x)
        torch.cuda._sleep(50_000_000)
        late.copy_(x)
        value = genred(late, y)
        assert not stream.query()
    stream.synchronize()
    assert torch.equal(value, expected)


@on_gpu
def test_cuda_graphs():
    from keopsc.torch import Genred

    genred = Genred("Exp(-SqDist(x, y))", ["x = Vi(3)", "y = Vj(3)"], axis=1)
    x, y = torch.randn(200, 3, device="cuda"), torch.randn(300, 3, device="cuda")
    genred(x, y)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value = genred(x, y)
    x.copy_(x * 2)
    graph.replay()
    torch.testing.assert_close(value, genred(x, y))


@on_gpu
def test_ranges_and_clusters():
    from keopsc.torch import Vi, Vj
    from keopsc.torch.cluster import cluster_ranges_centroids, from_matrix, grid_cluster, sort_clusters

    points = torch.rand(500, 2, device="cuda")
    labels = grid_cluster(points, 0.2)
    ranges_i, centroids, _ = cluster_ranges_centroids(points, labels)
    points, labels = sort_clusters(points, labels)
    keep = ((centroids[:, None] - centroids) ** 2).sum(-1) < 0.1
    ranges = from_matrix(ranges_i, ranges_i, keep)
    full = torch.exp(-(torch.cdist(points, points) ** 2)) * keep[labels.long()][:, labels.long()]
    torch.testing.assert_close((-Vi(points).sqdist(Vj(points))).exp().sum(1, ranges=ranges)[:, 0], full.sum(1), rtol=1e-4, atol=1e-4)


@on_gpu
def test_places():
    from keopsc.torch import Genred

    genred = Genred("SqDist(x, y)", ["x = Vi(3)", "y = Vj(3)"], axis=1)
    x, y = torch.randn(20, 3, device="cuda"), torch.randn(30, 3, device="cuda")
    value = genred(x, y)
    torch.testing.assert_close(genred(x, y, backend="CPU"), value)
    torch.testing.assert_close(genred(x.cpu(), y.cpu(), backend="GPU"), value.cpu())
    with pytest.raises(ValueError, match="all tensors have to be on one device"):
        genred(x, y.cpu())
    with pytest.raises(ValueError, match="device_id is 7"):
        genred(x, y, device_id=7)


@on_gpu
def test_solutions():
    from keopsc.torch import KernelSolve

    (x, b), (cx, cb) = pair((60, 2), (60, 1))
    solver = KernelSolve("Exp(-SqDist(x, y)) * a", ["x = Vi(2)", "y = Vj(2)", "a = Vj(1)"], "a", axis=1)
    torch.testing.assert_close(solver(cx, cx, cb, alpha=0.1, eps=1e-9).cpu(), solver(x, x, b, alpha=0.1, eps=1e-9), rtol=1e-5, atol=1e-6)
