"""Which of the host's files and folders a sandbox may be shown: the one place that says no."""

import stat
from pathlib import Path

_SYSTEM = tuple(
    Path(folder)
    for folder in (
        "/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/etc",
        "/var/lib/docker", "/var/lib/containerd",
    )
)  # fmt: skip
_MOUNTED_DISKS = Path("/run/media")
_CREDENTIALS = frozenset(
    {
        ".ssh", ".aws", ".azure", ".gnupg", ".docker", ".kube", ".netrc", ".git-credentials",
        ".pypirc", ".npmrc", ".password-store", ".pgpass", ".vault-token", "gcloud", "keyrings",
    }
)  # fmt: skip
_KINDS = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a named pipe",
}


def refusal(path: Path, *, ticket: str = "", person: Path | None = None) -> str | None:
    """Why a sandbox may not be shown a file or folder; None where it may.

    Args:
        path: absolute; links are followed, and what they lead to is judged.
        ticket: whose artefacts and outputs, in a labcrew home, may be shown; empty for none.
        person: the home folder of the person; default: of this process's user.
    """
    if not path.is_absolute() or "\0" in str(path):
        return "it is not an absolute path"
    try:
        real = path.resolve()
        mode = real.stat().st_mode
    except (OSError, RuntimeError, ValueError) as error:
        return f"it can't be read: {getattr(error, 'strerror', error)}"
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind is not None:
        return f"it is {kind}"
    person = (person or Path.home()).resolve()
    for secret in (person, *(folder.resolve() for folder in _SYSTEM)):
        if secret.is_relative_to(real):
            return f"it is, or holds, {secret}"
    if not real.is_relative_to(_MOUNTED_DISKS):
        for folder in _SYSTEM:
            if real.is_relative_to(folder.resolve()):
                return f"it lies in {folder}, which belongs to the machine"
    held = _CREDENTIALS.intersection(real.parts)
    if held:
        return f"it lies in {sorted(held)[0]}, which holds credentials"
    return _in_a_labcrew_home(real, ticket)


def _in_a_labcrew_home(real: Path, ticket: str) -> str | None:
    """A home is its ledger, settings and gates: only a ticket's own results may be shown."""
    if (real / ".labcrew" / "home.json").exists():
        return "it holds a labcrew home"
    for root in (real, *real.parents):
        if not (root / "home.json").is_file():
            continue
        own = [root / "artefacts" / ticket, root / "outputs" / ticket]
        if not ticket or not any(real.is_relative_to(folder) for folder in own):
            return f"it lies in the labcrew home {root}"
    return None
