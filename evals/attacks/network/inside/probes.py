"""The probes, run inside: `python probes.py SETTINGS.json` prints a JSON line for each.

A probe carries a mark of its own only where it must not arrive; whoever receives it tells. Here a
probe says "breached" by itself only where a connection stands that must not, or a secret is seen.
"""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import direct  # type: ignore[import-not-found]
import indexed  # type: ignore[import-not-found]
import proxied  # type: ignore[import-not-found]
import secrets_seen  # type: ignore[import-not-found]
from knock import Probes, Reached, Targets  # type: ignore[import-not-found]

SECTIONS: dict[str, Callable[[Targets], Probes]] = {
    "direct": direct.probes,
    "proxied": proxied.probes,
    "index": indexed.probes,
    "secrets": secrets_seen.probes,
}


def main(settings: dict[str, Any]) -> list[dict[str, str]]:
    """Runs the situation's sections; answers a finding a probe."""
    socket.setdefaulttimeout(4)
    targets = Targets(settings)
    found = []
    for section in settings["sections"]:
        for name, (tried, run) in SECTIONS[section](targets).items():
            if name not in settings["skip"]:
                verdict, happened = _outcome(run)
                found.append(
                    {
                        "probe": name,
                        "tried": tried,
                        "happened": happened[:300],
                        "verdict": verdict,
                        "mark": targets.mark(name),
                    }
                )
    return found


def _outcome(run: Callable[[], str]) -> tuple[str, str]:
    try:
        return "held", run()
    except Reached as reached:
        return "breached", str(reached)
    except OSError as error:
        return "held", f"{type(error).__name__}: {error}"
    except Exception as error:  # a probe that is broken has shown nothing
        return "unknown", f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    for finding in main(json.loads(Path(sys.argv[1]).read_text())):
        print(json.dumps(finding), flush=True)
