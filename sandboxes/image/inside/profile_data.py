"""The script that a sandbox runs: `python profile_data.py SPEC.json`; see dataset/profiling.py."""

import sys

from dataset.profiling import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    sys.exit(main())
