"""The library against the plainest NumPy code for the same work, and against PyTorch where it is installed.

Each file here is one piece of work. It has functions named `plain`, `ours` and, where PyTorch can do the same,
`pytorch`; each takes nothing, prepares everything, and returns a function that does the work once. `compare`
runs them in turns in one process on one thread, so that whatever else the machine does strikes all of them, and
reports medians and the median of the ratios within a turn.

`python -m bench.library` runs all; `python -m bench.library mlp bpe` runs two.
"""
