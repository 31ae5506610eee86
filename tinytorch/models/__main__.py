"""Train our checkpoints: `python -m tinytorch.models mlp cnn gpt`.

They are written where data sets are looked for, or into the folder that `--out` names.
"""

import argparse
import os
import sys

from tinytorch.datasets import KEPT, DatasetError

from . import NAMES, TrainedError, make


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tinytorch.models", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=NAMES)
    parser.add_argument("--out", default=os.path.expanduser(KEPT), help="the folder for the files")
    options = parser.parse_args()
    try:
        for name in options.names:
            make(name, options.out)
    except (TrainedError, DatasetError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
