"""tinytorch.pictures: what a cell or a program draws, in the page and in a notebook.

A picture is an SVG that its program makes from numbers. `live` shows it where the reader looks,
and `palette` names the colours; on these two stand `drawing` (points, lines and areas), `surface`
(a loss from above), `curves` (a training's course), `digits` (images and confusions), `graph`
(what an operation left behind), `memory` (what a block holds), `flame` (where the time goes), `roofs` (layers
under the roof of a machine) and `pad` (a digit that a reader draws).
"""
