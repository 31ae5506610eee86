"""Everything that turns chapter files into pages, notebooks and the catalog.

chapter.py    the one parser of chapter files
plan.py       chapters by tier, those still to be written included
catalog.py    what `tinytorch.learn` reads: one JSON file a chapter
notebooks.py  the same chapter as a Jupyter notebook
extension.py  the Sphinx side: directives, page data, templates
"""
