"""pykeops' LazyTensor, the symbolic matrix built anew in each call as its users do."""

import pykeops

pykeops.set_verbose(False)


def kernel_sum(row, data):
    from pykeops.numpy import LazyTensor

    def call():
        x, y, b = LazyTensor(data.x[:, None, :]), LazyTensor(data.y[None, :, :]), LazyTensor(data.b[None, :, :])
        kernel = (-((x - y) ** 2).sum(-1) / float(data.sigma[0]) ** 2).exp()
        return [(kernel * b).sum(axis=1)]

    return call
