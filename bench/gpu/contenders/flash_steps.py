"""flash-kmeans' kernels in Triton, as an iteration of its `batch_kmeans_Euclid` calls them: labels, then sums over sorted labels.

Squared norms of the points are computed once, as there. Tiles are the fastest of sixteen, all of its own search and that of its table among them: the
table for H100s is of float16. Its products are in tf32; `tf32x3` is Triton's way to the digits of float32.
"""

from itertools import product

import torch
from contenders.triton import compiling, fastest, modules_of

TILES = {"BLOCK_N": (64, 128), "BLOCK_K": (64, 128), "num_warps": (4, 8), "num_stages": (1, 2)}


def kmeans(row, data, precision):
    assigning, updating = modules_of("flash_kmeans", "assign_euclid_triton", "centroid_update_triton")
    x, centres, labels = data.x[None], data.y[None], torch.empty(1, row.m, dtype=torch.int32, device=data.x.device)
    norms = (x * x).sum(-1)

    def bound(tiles):
        return lambda: assigning.euclid_assign_triton(x, centres, norms, out=labels, config=tiles)

    with compiling(precision):
        assign = fastest([bound(dict(zip(TILES, tiles, strict=True))) for tiles in product(*TILES.values())])

    def call():
        assign()
        return [labels[0], updating.triton_centroid_update_sorted_euclid(x, labels, centres)[0]]

    return call
