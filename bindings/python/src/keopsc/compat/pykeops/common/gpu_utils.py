"""`pykeops.common.gpu_utils`."""

from ...machine import count_gpus as get_gpu_number

__all__ = ["get_gpu_number"]
