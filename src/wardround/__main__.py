"""`python -m wardround`: the command line, for launchers of several processes."""

import sys

from wardround.cli import main

if __name__ == "__main__":
    sys.exit(main())
