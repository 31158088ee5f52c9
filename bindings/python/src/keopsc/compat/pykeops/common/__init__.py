"""The parts of `pykeops.common` that other packages use."""
