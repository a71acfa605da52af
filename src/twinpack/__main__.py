"""`python -m twinpack` is `twinpack`."""

from __future__ import annotations

import sys

from twinpack.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
