"""`pykeops.numpy.cluster.grid_cluster`: cells of a grid for NumPy. The package has a function of this name, too: so the module can be called."""

from ....modules import called_as
from .....numpy.cluster import grid_cluster

__all__ = ["grid_cluster"]

called_as(__name__, grid_cluster)
