"""``python -m omnitray`` is ``omnitray``."""

import sys

from omnitray.cli.parser import main

if __name__ == "__main__":
    sys.exit(main())
