"""Libraries that search for nearest points. What they build beforehand (an index, a tree) is not counted; brute force builds nothing but copies."""

import numpy as np
from rows import NEIGHBOURS


def faiss(row, data, count):
    import faiss

    faiss.omp_set_num_threads(row.threads)
    index = faiss.IndexFlatL2(row.dim)
    index.add(data.y)
    return lambda: [index.search(data.x, count)[1]]


def sklearn(row, data, count):
    from sklearn.metrics import pairwise_distances_argmin
    from sklearn.neighbors import NearestNeighbors

    if count == 1:
        return lambda: [pairwise_distances_argmin(data.x, data.y)]
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(data.y)
    return lambda: [search.kneighbors(data.x, return_distance=False)]


def sklearn_tree(row, data, count):
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=count, algorithm="kd_tree", n_jobs=row.threads).fit(data.y)
    return lambda: [search.kneighbors(data.x, return_distance=False)]


def scipy_tree(row, data, count):
    from scipy.spatial import cKDTree

    tree = cKDTree(data.y)
    return lambda: [np.asarray(tree.query(data.x, count, workers=row.threads)[1])]


SEARCHES = {"faiss": faiss, "sklearn": sklearn, "sklearn_tree": sklearn_tree, "scipy_tree": scipy_tree}


def nearest(row, data, by):
    return SEARCHES[by](row, data, 1)


def neighbours(row, data, by):
    return SEARCHES[by](row, data, NEIGHBOURS)
