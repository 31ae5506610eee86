"""Fast inner loops for the NumPy that runs in a browser, in WebAssembly with SIMD.

NumPy in Pyodide is compiled without BLAS and without SIMD. This package holds the same few loops again (the C sources
are in the project's folder `lite/kernels`), and puts them in the place of NumPy's own, so that every `a @ b` and
`np.exp(a)` runs on them. `graft` does the putting, `routes` leads np.dot and np.inner to matmul, `verify` makes sure
that the results are NumPy's, and `tinytorch.learn.kernel` is what a page or a reader uses.

    tinytorch_kernels.start()    at the start of a page's or a notebook's Python; never fails
    tinytorch_kernels.grafted    the loops, or None with the reason in `tinytorch_kernels.why`
"""

from __future__ import annotations

grafted = None
why = "the kernels were not started"


def start() -> None:
    """Install the kernels and offer the integer kernels to the library; on any error NumPy stays as it is."""
    global grafted, why
    if grafted is not None:
        return
    try:
        from .graft import install

        grafted, why = install(), ""
        switch(True)
    except Exception as problem:  # whatever it is, NumPy has loops of its own; the page says why
        grafted, why = None, str(problem) or type(problem).__name__


def switch(on: bool) -> None:
    """Let NumPy and the library use the kernels, or their own loops."""
    from tinytorch.perf import kernels

    if grafted is not None:
        grafted.switch(on)
        for name, kernel in grafted.for_the_library().items():
            kernels.use(name, kernel if on else None)
