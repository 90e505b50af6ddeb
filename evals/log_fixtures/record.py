"""`python -m evals.log_fixtures.record --python P`: records what libraries print through a pipe.

P is a Python with the libraries installed: torch transformers accelerate lightning rich keras
xgboost lightgbm catboost scikit-learn tqdm tensorboard tensorboardX. A library that is missing is
named and left as it was recorded before.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.log_fixtures.programs import PROGRAMS, TENSORBOARD

FOLDER = Path(__file__).resolve().parent
_CAP = 20_000
_EVENTS = {"torch.utils.tensorboard": "torch", "tensorboardX": "tensorboardX"}


def record(python: str, folder: Path, names: Sequence[str]) -> list[str]:
    """Records the named fixtures and the versions they were made with; answers what failed."""
    failed = []
    manifest = folder / "versions.json"
    versions: dict[str, str] = json.loads(manifest.read_text()) if manifest.exists() else {}
    for name in names:
        with TemporaryDirectory(prefix="record-") as made:
            version = _record(python, folder, name, Path(made))
        if version is None:
            failed.append(name)
        else:
            versions[name] = version
    manifest.write_text(json.dumps(versions, indent=2, sort_keys=True) + "\n")
    return failed


def _record(python: str, folder: Path, name: str, made: Path) -> str | None:
    """The package and its version; None where the run could not start."""
    module = next((m for m in _EVENTS if m.replace(".", "_") == name), None)
    package, program = (
        (_EVENTS[module], TENSORBOARD.format(module=module)) if module else PROGRAMS[name]
    )
    version = _version(python, package)
    if version is None:
        return None
    script = made / "train.py"
    script.write_text(program.lstrip())
    command = [python, "-u", "train.py", *(["events"] if module else [])]
    # Errors and output come through one pipe, as a container's log has them.
    ran = subprocess.run(
        command, cwd=made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600
    )
    if module:
        events = sorted(made.glob("events/events.out.*"))
        if not events:
            return None
        (folder / f"{name}.tfevents").write_bytes(events[0].read_bytes())
    else:
        text = _sanitised(ran.stdout.decode("utf-8", "replace"), made)
        if ran.returncode != (1 if name == "plain" else 0):
            sys.stderr.write(text)
            return None
        (folder / f"{name}.txt").write_text(text[:_CAP], encoding="utf-8", newline="")
    return f"{package} {version}"


def _version(python: str, package: str) -> str | None:
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    ran = subprocess.run([python, "-c", code, package], capture_output=True, text=True)
    return ran.stdout.strip() or None


def _sanitised(text: str, made: Path) -> str:
    """Without the machine's paths, and without addresses on the web."""
    text = text.replace(str(made), "/workspace")
    text = re.sub(r"https?://[^\s)]+", "https://example.org/", text)
    return re.sub(r"/[\w./-]+/site-packages/", "/site-packages/", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 1 where a library could not be recorded."""
    names = [*PROGRAMS, *(module.replace(".", "_") for module in _EVENTS)]
    parser = argparse.ArgumentParser(prog="evals.log_fixtures.record", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="a Python with the libraries")
    parser.add_argument("--only", choices=names, action="append", help="leave out the others")
    parser.add_argument("--output", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    given.output.mkdir(parents=True, exist_ok=True)
    failed = record(given.python, given.output, given.only or names)
    if failed:
        print(f"Not recorded: {', '.join(failed)}. Are they installed?", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
