"""``python -m tinytorch.cli`` is `tito` where its program is not on the PATH."""

import sys

from . import main

sys.exit(main())
