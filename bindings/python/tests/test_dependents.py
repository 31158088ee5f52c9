"""Packages that use pykeops, unmodified, on keopsc: each in a process of its own, after `keopsc.compat.install()`, against its own dense path."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keopsc

pytest.importorskip("torch")

PRELUDE = """
import keopsc.compat
keopsc.compat.install()
import warnings
warnings.simplefilter("ignore")
import numpy as np, torch
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
def close(a, b, rtol=1e-6, atol=1e-8):
    torch.testing.assert_close(torch.as_tensor(a), torch.as_tensor(b), rtol=rtol, atol=atol)
"""

GEOMLOSS = """
from geomloss import SamplesLoss
x, y = torch.rand(200, 3, requires_grad=True), torch.rand(300, 3)
for name, tolerance in (("sinkhorn", 1e-6), ("gaussian", 1e-6), ("laplacian", 1e-3), ("energy", 1e-3)):
    found = {}
    for backend in ("tensorized", "online", "multiscale"):
        value = SamplesLoss(name, p=2, blur=0.1, truncate=None, backend=backend)(x, y)
        found[backend] = value.detach().squeeze(), torch.autograd.grad(value, x)[0]
    for backend in ("online",) if name == "sinkhorn" else ("online", "multiscale"):
        for a, b in zip(found[backend], found["tensorized"]):
            close(a, b, tolerance, tolerance * 1e-2)
    close(found["multiscale"][0], found["tensorized"][0], 2e-3)
batch = torch.rand(2, 50, 3), torch.rand(2, 60, 3)
close(SamplesLoss("sinkhorn", blur=0.1, backend="online")(*batch), SamplesLoss("sinkhorn", blur=0.1, backend="tensorized")(*batch))
"""

GPYTORCH = """
import gpytorch
from gpytorch.kernels import keops
for name, options in (("RBFKernel", {}), ("MaternKernel", {"nu": 0.5}), ("MaternKernel", {"nu": 1.5}), ("MaternKernel", {"nu": 2.5}), ("PeriodicKernel", {})):
    for batch in ((), (2,)):
        x, y, b = torch.rand(*batch, 50, 2, requires_grad=True), torch.rand(*batch, 60, 2), torch.rand(*batch, 60, 1)
        found = []
        for module in (keops, gpytorch.kernels):
            kernel = getattr(module, name)(batch_shape=torch.Size(batch), **options)
            with gpytorch.settings.max_cholesky_size(1):
                product = kernel(x, y) @ b
            found.append((product.detach(), *torch.autograd.grad(product.sum(), [x, *kernel.parameters()])))
        for a, c in zip(*found):
            close(a, c)

class Model(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood, kernel):
        super().__init__(x, y, likelihood)
        self.mean_module, self.covar_module = gpytorch.means.ConstantMean(), gpytorch.kernels.ScaleKernel(kernel)
    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

x = torch.rand(200, 2)
y = torch.sin(3 * x[:, 0]) + x[:, 1]
found = []
for kernel in (keops.MaternKernel(nu=2.5), gpytorch.kernels.MaternKernel(nu=2.5)):
    torch.manual_seed(0)
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Model(x, y, likelihood, kernel).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    objective = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    with gpytorch.settings.max_cholesky_size(1), gpytorch.settings.cg_tolerance(1e-5), gpytorch.settings.max_cg_iterations(500):
        for _ in range(3):
            optimizer.zero_grad()
            loss = -objective(model(x), y)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            found.append(likelihood(model.eval()(torch.full((3, 2), 0.3))).mean)
close(*found, rtol=1e-4)
"""

GUDHI = """
from gudhi.point_cloud.knn import KNearestNeighbors
points = np.random.default_rng(0).random((100, 3))
for p in (1, 2, 3, np.inf):
    found = [
        KNearestNeighbors(5, return_distance=True, implementation=implementation, p=p).fit_transform(points)
        for implementation in ("keops", "ckdtree")
    ]
    assert (np.asarray(found[0][0]) == np.asarray(found[1][0])).all()
    close(np.asarray(found[0][1], float), np.asarray(found[1][1], float), 1e-5)
"""

POT = """
import ot
x, y = np.random.default_rng(0).random((2, 60, 2))
found = ot.bregman.empirical_sinkhorn2_geomloss(x, y, reg=0.1, backend="online")
close(float(found), float(ot.bregman.empirical_sinkhorn2_geomloss(x, y, reg=0.1, backend="tensorized")))
"""

#: What Falkon does: it is not on the package index as a wheel.
FALKON = """
from pykeops.torch import Genred
import keopscore
keopscore.config.config.use_cuda = False
x, y, v, sigma = torch.rand(40, 4), torch.rand(50, 4), torch.rand(50, 2), torch.rand(1, 1) + 0.5
aliases = ["x1 = Vi(4)", "x2 = Vj(4)", "v = Vj(2)", "g = Pm(1)"]
squares = ((x[:, None] - y) ** 2).sum(-1) / sigma**2
distance = squares.sqrt()
formulas = {
    "Exp(SqDist(x1 / g, x2 / g) * IntInv(-2)) * v": torch.exp(-squares / 2),
    "Exp(-Norm2(x1 / g - x2 / g)) * v": torch.exp(-distance),
    "(IntCst(1) + Sqrt(IntCst(3)) * Norm2(x1 / g - x2 / g)) * Exp(-Sqrt(IntCst(3)) * Norm2(x1 / g - x2 / g)) * v":
        (1 + 3**0.5 * distance) * torch.exp(-(3**0.5) * distance),
    "(IntCst(1) + Sqrt(IntCst(5)) * Norm2(x1 / g - x2 / g) + (IntInv(3) * IntCst(5)) * SqNorm2(x1 / g - x2 / g)) * Exp(-Sqrt(IntCst(5)) * Norm2(x1 / g - x2 / g)) * v":
        (1 + 5**0.5 * distance + 5 / 3 * squares) * torch.exp(-(5**0.5) * distance),
    "Powf((x1 | x2) + g, IntCst(2) * g) * v": ((x @ y.T) + sigma) ** (2 * sigma),
}
for formula, kernel in formulas.items():
    for options in ({"rec_multVar_highdim": 1}, {"dtype_acc": "float64", "sum_scheme": "auto"}):
        product = Genred(formula, aliases, reduction_op="Sum", axis=1, **options)
        out = torch.empty(40, 2)
        assert product(x, y, v, sigma, out=out, device_id=-1, backend="CPU") is out
        close(out, kernel @ v)
"""

PROGRAMS = {"geomloss": GEOMLOSS, "gpytorch": GPYTORCH, "gudhi": GUDHI, "ot": POT, "falkon": FALKON}


@pytest.mark.parametrize("package", PROGRAMS)
def test_package(package):
    if package != "falkon" and importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(Path(keopsc.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
    code = PRELUDE + PROGRAMS[package] + "\nprint('the same')\n"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("the same"), done.stderr
