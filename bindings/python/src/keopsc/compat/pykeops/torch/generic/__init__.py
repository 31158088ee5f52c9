"""`pykeops.torch.generic`: reductions of formulas that are given as text."""
