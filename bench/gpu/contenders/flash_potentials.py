"""FlashSinkhorn's kernels in Triton, by its solver with steps in turns.

Weights of one leave its potentials what they are here. Points are centred and, for products in tf32, rounded to them beforehand, as its `SamplesLoss` does
in each call. Its search goes through 44 tiles; here through the 14 of them that are for many points and do not pad products in vain. `ieee` is its own way
to float32 (`allow_tf32=False`), `tf32x3` Triton's.
"""

import torch
from contenders.triton import compiling, modules_of
from rows import LOOPS

# Rows of a tile from which on it is one for many points.
MANY = 64


def sinkhorn(row, data, precision):
    names = "sinkhorn_solvers", "kernels.sinkhorn_flashstyle_sqeuclid", "multiscale._preprocess"
    solvers, kernels, preparing = modules_of("flash_sinkhorn", *names)
    middle = torch.cat([data.x, data.y]).mean(0)
    x, y = data.x - middle, data.y - middle
    if precision == "tf32":
        x, y = preparing.round_to_tf32(x), preparing.round_to_tf32(y)
    weights, eps = [torch.ones_like(points[:, 0]) for points in (x, y)], float(data.eps[0])
    tuner, depth = kernels._flashsinkhorn_lse_fused_kernel_autotune, 16 if row.dim <= 16 else 32
    tuner.configs = [config for config in tuner.configs if config.kwargs["BLOCK_M"] >= MANY and config.kwargs["BLOCK_K"] == depth]

    def call():
        options = {"eps": eps, "n_iters": LOOPS // 2, "cost_scale": 1.0, "allow_tf32": precision == "tf32"}
        return list(solvers.sinkhorn_flashstyle_alternating(x, y, *weights, **options))

    with compiling(precision):
        call()
    return call
