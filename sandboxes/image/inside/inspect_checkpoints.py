"""The script that a sandbox runs: `inspect_checkpoints.py ROOT [FOLDER]`; see checkpoint/."""

import sys

from checkpoint.inspection import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    sys.exit(main())
