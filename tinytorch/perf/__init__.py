"""Measuring and making faster, one file a chapter: `profiling` (14) to `benchmarking` (19).

The files are read after `tinytorch.core`. Their functions have type hints; those of the core have not yet.
"""
