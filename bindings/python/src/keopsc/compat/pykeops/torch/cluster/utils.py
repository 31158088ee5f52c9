"""`pykeops.torch.cluster.utils`: clusters of points for PyTorch."""

from .....torch.cluster import cluster_centroids, cluster_ranges, cluster_ranges_centroids, sort_clusters, swap_axes

__all__ = ["cluster_centroids", "cluster_ranges", "cluster_ranges_centroids", "sort_clusters", "swap_axes"]
