"""Fixtures: arrays that are the same in each run, and the compiler of the checkout where no other is named."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))


class Data:
    """x, y, u, s of `calls.py` with some batch axes: y has them all, the others only a part."""

    def __init__(self, batch, dtype, m=7, n=9, seed=0):
        random = np.random.default_rng(seed)
        own = tuple(1 if axis == 0 else extent for axis, extent in enumerate(batch))

        def normal(*shape):
            return random.standard_normal(shape).astype(dtype)

        self.batch = batch
        self.x, self.y, self.u = normal(*own, m, 3), normal(*batch, n, 3), normal(*batch, n, 1)
        self.s = np.asarray(random.uniform(0.5, 1.5, (1,)), dtype)
        self.m, self.n = m, n

    def axis(self, reduced):
        return len(self.batch) + "ij".index(reduced)

    def arrays(self):
        return self.x, self.y, self.u, self.s


@pytest.fixture(params=[(), (2,), (3, 2)], ids=["flat", "batch", "batches"])
def data(request):
    return Data(request.param, np.float64)


@pytest.fixture
def flat():
    return Data((), np.float64)
