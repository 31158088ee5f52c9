"""What `keopscore.config` tells of the machine, by those of KeOps' names that other packages use.

Attributes can be set, as other packages do, which has no effect: what a formula is compiled for is told by the arrays of a call.
"""

from __future__ import annotations

import platform
from types import ModuleType

from ... import machine
from . import config

__all__ = ["config", "cuda_config", "get_config", "get_cuda_config", "get_openmp_config", "get_platform_config", "openmp_config", "platform_detector"]


class CUDAConfig:
    """Whether there is a GPU."""

    def get_use_cuda(self) -> bool:
        """Whether NVIDIA's driver is there."""
        return machine.gpu_available

    def get_gpu_props(self) -> "tuple[int, str]":
        """How many GPUs there are, and what KeOps' compiler would be told of them: nothing."""
        return machine.count_gpus(), ""


class OpenMPConfig:
    """Threads, which need no library here."""

    def get_use_OpenMP(self) -> bool:
        """True: calls on the CPU take several threads."""
        return True


class DetectPlatform:
    """The system and Python."""

    def get_os(self) -> str:
        """The name of the operating system."""
        return platform.system()

    def get_python_version(self) -> str:
        """The version of Python."""
        return platform.python_version()


cuda_config: CUDAConfig = CUDAConfig()
openmp_config: OpenMPConfig = OpenMPConfig()
platform_detector: DetectPlatform = DetectPlatform()


def get_config() -> ModuleType:
    """`config`."""
    return config


def get_cuda_config() -> CUDAConfig:
    """`cuda_config`."""
    return cuda_config


def get_openmp_config() -> OpenMPConfig:
    """`openmp_config`."""
    return openmp_config


def get_platform_config() -> DetectPlatform:
    """`platform_detector`."""
    return platform_detector
