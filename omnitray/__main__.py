"""``python -m omnitray`` is ``omnitray``."""

import sys

from omnitray.cli import main

if __name__ == "__main__":
    sys.exit(main())
