"""``python -m poolsweep`` is ``poolsweep``."""

import sys

from poolsweep.cli import main

sys.exit(main())
