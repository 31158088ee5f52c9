"""Gaussian process regression: Google's share on days that were left out, by GPyTorch, unmodified, whose KeOps kernels run on keopsc.

`keopsc.compat.install()` makes `import pykeops` give keopsc. Length, scale and noise are learned from half of the days, with a gap among them. The means are
compared with those of GPyTorch's own kernel by a Cholesky factor, the band with the prices left out. These come with matplotlib.

    python regression.py [--size small] [picture.png]
"""

import time

import keopsc.compat

keopsc.compat.install()

import gpytorch  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from gallery import BLUE, GREY, ORANGE, panels, prices, run  # noqa: E402
from gpytorch.kernels import MaternKernel, ScaleKernel, keops  # noqa: E402
from gpytorch.settings import eval_cg_tolerance, fast_pred_var, max_cholesky_size  # noqa: E402


class Model(gpytorch.models.ExactGP):
    def __init__(self, x, y, kernel):
        super().__init__(x, y, gpytorch.likelihoods.GaussianLikelihood())
        self.mean_module, self.covar_module = gpytorch.means.ConstantMean(), ScaleKernel(kernel)
        self.double()

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

    def learn(self, x, y, steps):
        """Makes y as likely as it gets."""
        objective, optimizer = gpytorch.mlls.ExactMarginalLogLikelihood(self.likelihood, self), torch.optim.Adam(self.parameters(), lr=0.2)
        for _ in range(steps):
            optimizer.zero_grad()
            (-objective(self(x), y)).backward()
            optimizer.step()

    @torch.no_grad()
    def prediction(self, x):
        """The means and standard deviations of measurements at x."""
        found = self.likelihood(self.eval()(x))
        return found.mean, found.stddev


def compute(small):
    dates, dollars = prices(300 if small else None)
    x, logs = torch.tensor((dates - dates[0]).astype(float) / 365)[:, None], torch.tensor(np.log(dollars))
    y = (logs - logs.mean()) / logs.std()
    known = (torch.rand(len(x), generator=torch.manual_seed(0)) < 0.5) & ~((x[:, 0] > 0.6) & (x[:, 0] < 0.85))
    start = time.perf_counter()
    model = Model(x[known], y[known], keops.MaternKernel(nu=1.5))
    with max_cholesky_size(50), eval_cg_tolerance(1e-4), fast_pred_var():  # larger systems go to conjugate gradients
        model.learn(x[known], y[known], steps=10 if small else 50)
        mean, deviation = model.prediction(x)
    figures = {"days": len(x), "of them known": int(known.sum()), "seconds": time.perf_counter() - start}

    exact = Model(x[known], y[known], MaternKernel(nu=1.5))
    exact.load_state_dict(model.state_dict())
    inside = abs(mean - y)[~known] < 2 * deviation[~known]
    figures["largest difference of the means"] = float(abs(mean - exact.prediction(x)[0]).max())
    figures["% of the others within two standard deviations"] = 100 * float(inside.double().mean())
    bands = ((logs.mean() + logs.std() * (mean + k * deviation)).exp().numpy() for k in (-2, 0, 2))
    return figures, (dates, dollars, known.numpy(), *bands)


def draw(dates, dollars, known, low, mean, high):
    figure, (axis,) = panels(1)
    axis.fill_between(dates, low, high, color=BLUE, alpha=0.25, linewidth=0, label="two standard deviations")
    axis.plot(dates, mean, color=BLUE, linewidth=1, label="mean")
    for some, colour, label in ((~known, GREY, "left out"), (known, ORANGE, "known")):
        axis.scatter(dates[some], dollars[some], s=2, color=colour, label=label)
    axis.set(title="a share of Google", ylabel="dollars", ylim=(0, 800))
    axis.legend(frameon=False, loc="lower right", ncols=4, markerscale=2)
    return figure


if __name__ == "__main__":
    run(compute, draw)
