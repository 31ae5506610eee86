"""The doors to the workshop: `notebook`, and `desk`, at which a terminal works, with `local` (the notebook
as a file) and `reporting` (what the doors print).
"""
