"""A source distribution whose build runs the probes, as a hostile setup script would."""

import io
import json
import tarfile
from typing import Any

_PROJECT = """\
[build-system]
requires = []
build-backend = "setup"
backend-path = ["."]
"""
_SETUP = '''\
"""Builds a wheel that holds what the probes found."""
import json, subprocess, sys, zipfile

NAME = "hostile-1.0"
METADATA = "Metadata-Version: 2.1\\nName: hostile\\nVersion: 1.0\\n"
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    done = subprocess.run([sys.executable, "probes.py", "settings.json"], capture_output=True)
    info = f"{NAME}.dist-info"
    with zipfile.ZipFile(f"{folder}/{NAME}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("hostile_findings.jsonl", done.stdout + done.stderr)
        wheel.writestr(f"{info}/METADATA", METADATA)
        wheel.writestr(f"{info}/WHEEL", WHEEL)
        wheel.writestr(f"{info}/RECORD", "")
    return f"{NAME}-py3-none-any.whl"
'''


def hostile_distribution(settings: dict[str, Any]) -> bytes:
    """hostile-1.0.tar.gz.

    Args:
        settings: what its probes are told.
    """
    from evals.attacks.network.stage import probe_files

    files = probe_files() | {
        "pyproject.toml": _PROJECT.encode(),
        "setup.py": _SETUP.encode(),
        "settings.json": json.dumps(settings).encode(),
        "PKG-INFO": b"Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n",
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as out:
        for name, content in files.items():
            member = tarfile.TarInfo(f"hostile-1.0/{name}")
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    return data.getvalue()
