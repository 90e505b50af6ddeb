"""What every container is denied and given: the body of the engine's create call."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from labcrew.domain.sandbox import Limits, SandboxSpec
from labcrew.errors import InputError
from labcrew.host_paths import refusal
from sandboxes.crossing.tarballs import CREW
from sandboxes.network.rules import proxy_variables

USER = f"{CREW}:{CREW}"
HOME, TICKET, TRIAL, PURPOSE, NAME = (
    f"labcrew.{word}" for word in ("home", "ticket", "trial", "purpose", "name")
)
OWNER, KEEPER = "labcrew.owner", "labcrew.keeper"
TIMEOUT, OUTPUT = "labcrew.timeout_s", "labcrew.output_mb"
MARKS = (HOME, OWNER, KEEPER, NAME, TICKET, TRIAL, PURPOSE, TIMEOUT, OUTPUT)
_NAME_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,150}")
_WORKSPACE = "/workspace"
_SCRATCH = "/tmp"  # noqa: S108 - inside the container, a file system of its own
# What the kernel shows of the whole machine, not of the container. The engine's own list is
# shorter, and grew with its versions; a path that a kernel lacks does no harm here.
_HIDDEN = (
    "/proc/acpi", "/proc/asound", "/proc/cmdline", "/proc/config.gz", "/proc/interrupts",
    "/proc/iomem", "/proc/ioports", "/proc/kallsyms", "/proc/kcore", "/proc/key-users",
    "/proc/keys", "/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags",
    "/proc/latency_stats", "/proc/modules", "/proc/mtrr", "/proc/sched_debug", "/proc/scsi",
    "/proc/slabinfo", "/proc/timer_list", "/proc/timer_stats", "/proc/vmallocinfo",
    "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/bpf", "/sys/fs/pstore",
    "/sys/kernel", "/sys/module",
)  # fmt: skip
_READ_ONLY = (
    "/proc/bus", "/proc/driver", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
)  # fmt: skip
_NAME_INSIDE = "sandbox"
_KILLED_FIRST = 500  # of 1000: before the machine's own programs when its memory runs out


def is_name(text: str) -> bool:
    """Whether a home or a sandbox can be called that; a label may be anybody's."""
    return _NAME_FORM.fullmatch(text) is not None


@lru_cache(maxsize=1)
def seccomp() -> str:
    """The system-call filter, as the JSON text that the engine wants."""
    profile = json.loads((Path(__file__).parent / "seccomp.json").read_text())
    return json.dumps(profile, separators=(",", ":"))


def labels(home: str, spec: SandboxSpec, owner: str = "") -> dict[str, str]:
    """The labels by which a container is found again; all are set, so none is inherited."""
    return {
        HOME: home,
        OWNER: owner,
        KEEPER: "",
        NAME: spec.name,
        TICKET: spec.ticket,
        TRIAL: spec.trial,
        PURPOSE: spec.purpose,
        TIMEOUT: f"{spec.limits.timeout_s:g}",
        OUTPUT: str(spec.limits.output_mb),
    }


def body(
    home: str, spec: SandboxSpec, volume: str, *, attached: bool = False, network: str = "none",
    writable_root: bool = False, knows_localhost: bool = False, volumes: tuple[str, ...] = (),
    driver: dict[str, Any] | None = None, owner: str = "", runtime: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The create call of a container.

    Args:
        home: the home's id.
        spec: what is asked for.
        volume: the name of its workspace's volume.
        attached: its output is read as it comes and not kept by the engine.
        network: "none", or "container:<id>" of the network's holder that it joins.
        writable_root: for installs, whose root file system becomes an image.
        knows_localhost: its image finds `localhost` without /etc/hosts, and nobody joins its
            network. For others the engine has to set that up, which takes it nearly as long as all
            the rest of a start.
        volumes: where its image wants volumes of its own. The engine would make them without a cap
            on its disk: they are scratch instead, in the sandbox's memory and gone with it.
        driver: how its volume is made (see volumes.py); default: as the engine likes.
        owner: whose the home is, as a label (see owners.py).
        runtime: the engine's runtime to run it; default: the engine's own.

    Raises InputError for an input that no sandbox may be shown, or that its user could not read.
    """
    limits = spec.limits
    marks = labels(home, spec, owner)
    variables = {
        "HOME": _SCRATCH,
        # Without it numerical libraries start a thread for each of the host's cores.
        "OMP_NUM_THREADS": str(max(1, round(limits.cpus))),
        **(proxy_variables() if spec.hosts else {}),
        **spec.environment,
    }
    mounts: list[dict[str, Any]] = []
    if not spec.in_memory:
        mounts.append(
            {
                "Type": "volume",
                "Source": volume,
                "Target": _WORKSPACE,
                # Nothing of an image comes along: its root gets its owner when it is filled.
                "VolumeOptions": {"NoCopy": True, "Labels": marks, "DriverConfig": driver or {}},
            }
        )
    for item in spec.inputs:
        source = _shown(item.source, spec.ticket)
        mounts.append(
            {
                "Type": "bind",
                "Source": str(source),
                "Target": item.target,
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rprivate"},
            }
        )
    taken = {_SCRATCH, _WORKSPACE, *(mount["Target"] for mount in mounts)}
    mounts += [
        {
            "Type": "tmpfs",
            "Target": target,
            "TmpfsOptions": {"SizeBytes": _scratch_mb(limits) << 20, "Mode": 0o1777},
        }
        for target in volumes
        if target not in taken
    ]
    return {
        "Image": spec.image,
        "Entrypoint": list(spec.command),  # an image's own entry point has no say
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "User": USER,
        "WorkingDir": _WORKSPACE,
        "Labels": marks,
        "Healthcheck": {"Test": ["NONE"]},
        # A joined network brings its holder's name along.
        **({"Hostname": _NAME_INSIDE} if network == "none" else {}),
        "NetworkDisabled": network == "none" and knows_localhost,
        "AttachStdout": attached,
        "AttachStderr": attached,
        "HostConfig": _host(spec, mounts, attached, network, writable_root) | _run_by(runtime),
    }


def _host(
    spec: SandboxSpec,
    mounts: list[dict[str, Any]],
    attached: bool,
    network: str,
    writable_root: bool,
) -> dict[str, Any]:
    limits = spec.limits
    memory = limits.memory_mb << 20
    # Each line is kept with its time and stream around it: some eighty bytes beside its own.
    kept_mb = 8 * limits.output_mb
    log = {"Type": "none"} if attached else {
        "Type": "json-file", "Config": {"max-size": f"{kept_mb}m", "max-file": "1"}
    }  # fmt: skip
    host: dict[str, Any] = {
        "NetworkMode": network,
        "ReadonlyRootfs": not writable_root,
        "CapDrop": ["ALL"],
        "Privileged": False,
        "SecurityOpt": ["no-new-privileges", f"seccomp={seccomp()}"],
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(limits.cpus * 1e9),
        "PidsLimit": limits.pids,
        "OomScoreAdj": _KILLED_FIRST,
        "Init": True,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "MaskedPaths": list(_HIDDEN),
        "ReadonlyPaths": list(_READ_ONLY),
        "ShmSize": shm_bytes(limits),
        "Tmpfs": {_SCRATCH: f"{_in_memory(limits)},mode=1777"}
        | (
            {_WORKSPACE: f"{_in_memory(limits)},mode=755,uid={CREW},gid={CREW}"}
            if spec.in_memory
            else {}
        ),
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
        "LogConfig": log,
        "RestartPolicy": {"Name": "no"},
        "Mounts": mounts,
    }
    if network == "none":  # where the engine fills them in, the host's name servers are no business
        host |= {
            "Dns": ["127.0.0.1"],
            "DnsSearch": ["."],
            "ExtraHosts": [f"{_NAME_INSIDE}:127.0.0.1"],
        }
    if limits.gpus:
        host["DeviceRequests"] = [{"Count": limits.gpus, "Capabilities": [["gpu"]]}]
    return host


def shm_bytes(limits: Limits) -> int:
    """The size of /dev/shm, by which the processes of a training share tensors."""
    return max(64, min(4096, limits.memory_mb // 2)) << 20


def _in_memory(limits: Limits) -> str:
    return f"rw,exec,nosuid,nodev,size={_scratch_mb(limits)}m,nr_inodes=100k"


def _scratch_mb(limits: Limits) -> int:
    return max(16, min(1024, limits.memory_mb // 2))


def _run_by(runtime: str) -> dict[str, Any]:
    return {"Runtime": runtime} if runtime else {}


def _shown(source: Path, ticket: str) -> Path:
    """An input as it is mounted: links followed, fit to be shown, readable to the sandbox's user.

    Raises InputError for any other.
    """
    why = refusal(source, ticket=ticket)
    if why is not None:
        raise InputError(
            f"A sandbox may not be shown {source}: {why}.", "Give a copy of what it should read."
        )
    real = source.resolve()
    _readable(real)
    return real


def _readable(source: Path) -> None:
    try:
        mode = source.stat().st_mode
    except OSError as error:
        raise InputError(f"Input {source} can't be read: {error.strerror}") from None
    needed = 0o005 if source.is_dir() else 0o004
    if mode & needed != needed:
        raise InputError(
            f"Input {source} can't be read by others, and a sandbox runs as a user of its own",
            f"Run `chmod -R o+rX {source}`, or give a copy.",
        )
