"""``python -m poolsweep`` is ``poolsweep``."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder: a file there must not stand in for a library

from poolsweep.cli import main

sys.exit(main())
