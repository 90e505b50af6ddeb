"""The proxy's own container: `python serve_proxy.py`, its settings as JSON on standard input."""

import sys

from proxy.server import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    sys.exit(main())
