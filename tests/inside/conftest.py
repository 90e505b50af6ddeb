"""The programs of the image find each other as siblings, as they do in a sandbox."""

import sys
from pathlib import Path

import sandboxes

sys.path.append(str(Path(sandboxes.__file__).parent / "image" / "inside"))
