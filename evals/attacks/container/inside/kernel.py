"""What the kernel shows and lets be set: proc, sys, cgroups, other processes."""

import os
from functools import partial
from pathlib import Path

from evals.attacks.container.inside.harness import Held, Untold, main, probe


def _opens_to_write(path: str) -> object:
    # Opened, never written: where this succeeds a real attack would go on.
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    if os.fstat(file).st_rdev == os.makedev(1, 3):
        raise Held("the null device lies over it")
    return f"{path} is open for writing"


def _shows(path: str) -> object:
    with open(path, "rb") as file:
        content = file.read(256)
    if not content.strip(b"\0\n "):
        raise Held("there, but empty")
    return f"{path} can be read"


for _name, _path in {
    "core_pattern": "/proc/sys/kernel/core_pattern",
    "modprobe": "/proc/sys/kernel/modprobe",
    "hotplug": "/proc/sys/kernel/hotplug",
    "binfmt_misc": "/proc/sys/fs/binfmt_misc/register",
    "sysrq": "/proc/sys/kernel/sysrq",
    "sysrq-trigger": "/proc/sysrq-trigger",
    "panic": "/proc/sys/kernel/panic",
    "randomize_va_space": "/proc/sys/kernel/randomize_va_space",
    "overcommit": "/proc/sys/vm/overcommit_memory",
    "drop_caches": "/proc/sys/vm/drop_caches",
    "panic_on_oom": "/proc/sys/vm/panic_on_oom",
    "file-max": "/proc/sys/fs/file-max",
    "ip_forward": "/proc/sys/net/ipv4/ip_forward",
    "ping_group_range": "/proc/sys/net/ipv4/ping_group_range",
    "hostname": "/proc/sys/kernel/hostname",
    "shmmax": "/proc/sys/kernel/shmmax",
    "irq affinity": "/proc/irq/default_smp_affinity",
    "memory type ranges": "/proc/mtrr",
    "scheduler debug": "/proc/sched_debug",
    "uevent_helper": "/sys/kernel/uevent_helper",
    "profiling": "/sys/kernel/profiling",
    "huge pages": "/sys/kernel/mm/transparent_hugepage/enabled",
    "memory sharing": "/sys/kernel/mm/ksm/run",
    "sleep": "/sys/power/state",
    "disk sleep": "/sys/power/disk",
    "block devices": "/sys/block",
    "PCI rescan": "/sys/bus/pci/rescan",
    "processor online": "/sys/devices/system/cpu/cpu1/online",
    "module parameters": "/sys/module/printk/parameters/time",
    "EFI variables": "/sys/firmware/efi/efivars",
    "security": "/sys/kernel/security/apparmor/.load",
    "uevents": "/sys/devices/virtual/mem/null/uevent",
}.items():
    probe(f"set {_name}", f"open {_path} for writing")(partial(_opens_to_write, _path))

for _name, _path in {
    "kernel memory": "/proc/kcore",
    "the kernel log": "/proc/kmsg",
    "the kernel's keys": "/proc/keys",
    "key users": "/proc/key-users",
    "timers": "/proc/timer_list",
    "scheduler debug": "/proc/sched_debug",
    "latencies": "/proc/latency_stats",
    "page flags": "/proc/kpageflags",
    "page counts": "/proc/kpagecount",
    "kernel allocations": "/proc/vmallocinfo",
    "slabs": "/proc/slabinfo",
    "boot arguments": "/proc/cmdline",
    "loaded modules": "/proc/modules",
    "interrupts": "/proc/interrupts",
    "physical addresses": "/proc/iomem",
    "the kernel's configuration": "/proc/config.gz",
    "firmware tables": "/sys/firmware/acpi/tables/DSDT",
    "machine id": "/sys/firmware/dmi/tables/DMI",
    "debug files": "/sys/kernel/debug/sched/debug",
    "tracing": "/sys/kernel/tracing/trace",
    "the kernel's types": "/sys/kernel/btf/vmlinux",
    "the kernel's notes": "/sys/kernel/notes",
    "power use": "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0/energy_uj",
}.items():
    probe(f"read {_name}", f"read {_path}")(partial(_shows, _path))


@probe("read kernel addresses", "find an address that is not zero in /proc/kallsyms")
def _() -> object:
    with open("/proc/kallsyms") as file:
        for line in file:
            if line.split()[0].strip("0"):
                return "addresses are told"
    raise Held("no addresses are told")


@probe("name the cgroup", "read the engine's path of this container")
def _() -> object:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        path = line.split(":", 2)[2]
        if path not in ("/", ""):
            return "the engine's path is told"
    raise Held("only the container's own root is told")


def _cgroup_files(*names: str) -> list[Path]:
    found = [path for name in names for path in Path("/sys/fs/cgroup").glob(f"*/{name}")]
    found += [Path("/sys/fs/cgroup") / name for name in names]
    return [path for path in found if path.exists()]


def _cgroup(*names: str) -> object:
    files = _cgroup_files(*names)
    if not files:
        raise Held("no such file is shown")
    error: OSError | None = None
    for path in files:
        try:
            return _opens_to_write(str(path))
        except OSError as refused:
            error = refused
    assert error is not None
    raise error


probe("raise the memory limit", "open one's own memory limit for writing")(
    lambda: _cgroup("memory.limit_in_bytes", "memory.max", "memory.swap.max")
)
probe("raise the process limit", "open one's own pids.max for writing")(lambda: _cgroup("pids.max"))
probe("raise the CPU limit", "open one's own CPU quota for writing")(
    lambda: _cgroup("cpu.cfs_quota_us", "cpu.max", "cpuset.cpus")
)
probe("allow devices", "open one's own device list for writing")(
    lambda: _cgroup("devices.allow", "devices.deny")
)
probe("leave the cgroup", "open the list of its processes for writing")(
    lambda: _cgroup("cgroup.procs", "tasks")
)
probe("set a release agent", "open release_agent or notify_on_release for writing")(
    lambda: _cgroup("release_agent", "notify_on_release")
)
probe("freeze oneself", "open the freezer for writing")(
    lambda: _cgroup("freezer.state", "cgroup.freeze")
)
probe("switch the OOM killer off", "open memory.oom_control for writing")(
    lambda: _cgroup("memory.oom_control", "memory.oom.group")
)


@probe("make a cgroup of one's own", "mkdir in each cgroup tree")
def _() -> object:
    error: OSError = OSError(30, "read-only")
    for tree in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*")]:
        try:
            (tree / "probe").mkdir()
        except OSError as refused:
            error = refused
        else:
            (tree / "probe").rmdir()
            # A folder of the tmpfs in which v1's trees are mounted is no cgroup.
            if tree != Path("/sys/fs/cgroup") or (tree / "cgroup.procs").exists():
                return f"made one in {tree}"
    raise error


@probe("see the host's processes", "look for a process that is none of this container's")
def _() -> object:
    known = {"dockerd", "containerd", "containerd-shim", "systemd", "kthreadd", "kworker"}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            name = (entry / "comm").read_text().strip()
        except OSError:
            continue
        if name.split("/")[0] in known:
            return f"sees {name}"
    raise Held("none")


@probe("be spared by the OOM killer", "an oom_score_adj below that of ordinary programs")
def _() -> object:
    Path("/proc/self/oom_score_adj").write_text("-1")
    return "others are killed first"


@probe("through process 1's root", "find another root folder behind /proc/1/root")
def _() -> object:
    there, here = Path("/proc/1/root").stat(), Path("/").stat()
    if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
        raise Held("it is this container's own")
    return "it is another's"


@probe("no new privileges", "run without the kernel's no_new_privs")
def _() -> object:
    return _status("NoNewPrivs", "1")


@probe("the system-call filter", "run without a seccomp filter")
def _() -> object:
    return _status("Seccomp", "2")


@probe("effective capabilities", "hold any capability")
def _() -> object:
    return _status("CapEff", "0" * 16)


@probe("bounding capabilities", "be able to gain any capability")
def _() -> object:
    return _status("CapBnd", "0" * 16)


@probe("inherited capabilities", "hand any capability on")
def _() -> object:
    return _status("CapInh", "0" * 16)


@probe("be root", "run as user 0")
def _() -> object:
    if os.getuid() == 0 or os.geteuid() == 0:
        return "user 0"
    raise Held(f"user {os.getuid()}")


@probe("be in root's group", "run in group 0, or with more groups")
def _() -> object:
    groups = {os.getgid(), os.getegid(), *os.getgroups()}
    if 0 in groups or len(groups) > 1:
        return f"groups {sorted(groups)}"
    raise Held(f"group {os.getgid()}")


def _status(field: str, wanted: str) -> object:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            found = line.split()[1]
            if found == wanted:
                raise Held(f"{field} is {found}")
            return f"{field} is {found}"
    raise Untold(f"the kernel does not tell {field}")


main()
