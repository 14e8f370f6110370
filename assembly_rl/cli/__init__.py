"""Commands: one module per command, each a thin layer over the Python API."""

import os
import sys

try:
    os.getcwd()
except OSError:  # told here, because the import of torch would end the process
    print("error: the current folder does not exist or cannot be read: cd to another", file=sys.stderr)
    raise SystemExit(2) from None
