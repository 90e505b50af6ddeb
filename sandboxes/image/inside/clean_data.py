"""The script that a sandbox runs: `python clean_data.py SPEC.json`; see dataset/cleaning.py."""

import sys

from dataset.cleaning import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    sys.exit(main())
