"""The root file system, mounts, devices and what others left: nothing may be written or read."""

import ctypes
import errno
import os
import socket
import stat
import subprocess
from functools import partial
from pathlib import Path

from evals.attacks.container.inside.harness import (
    Held,
    Untold,
    main,
    passed_the_door,
    probe,
    syscall,
)


def _write(path: str) -> object:
    with open(path, "ab") as file:
        file.write(b"#")
    return f"wrote to {path}"


def _opens(path: str, flags: int = os.O_RDONLY) -> object:
    os.close(os.open(path, flags | os.O_CLOEXEC))
    return f"opened {path}"


def _reads(path: str) -> object:
    with open(path, "rb") as file:
        content = file.read(64)
    if not content:
        raise Held("there, but empty")
    return f"read {path}"


for _name, _path in {
    "the root folder": "/probe",
    "the user list": "/etc/passwd",
    "the preload list": "/etc/ld.so.preload",
    "a system program": "/usr/bin/env",
    "a shell": "/bin/sh",
    "the loader's cache": "/etc/ld.so.cache",
    "the host table": "/etc/hosts",
    "the resolver": "/etc/resolv.conf",
    "the root user's home": "/root/.profile",
    "a system library folder": "/usr/lib/probe.so",
    "another interpreter's start-up": "/usr/lib/python3/dist-packages/probe.pth",
    "variable data": "/var/lib/probe",
    "the device folder": "/dev/probe",
    "the optional programs": "/opt/probe",
}.items():
    probe(f"write {_name}", f"append to {_path}")(partial(_write, _path))

for _name, _path in {
    "shadowed passwords": "/etc/shadow",
    "physical memory": "/dev/mem",
    "kernel memory": "/dev/kmem",
    "I/O ports": "/dev/port",
    "the kernel log": "/dev/kmsg",
    "the FUSE device": "/dev/fuse",
    "the KVM device": "/dev/kvm",
    "the tunnel device": "/dev/net/tun",
    "the loop control": "/dev/loop-control",
    "the host's vsock device": "/dev/vsock",
    "the vhost device": "/dev/vhost-vsock",
    "user-space block devices": "/dev/ublk-control",
    "the autofs device": "/dev/autofs",
    "userfaultfd's device": "/dev/userfaultfd",
}.items():
    probe(f"open {_name}", f"open {_path}")(partial(_opens, _path))


def _host_devices() -> list[int]:
    numbers = []
    for line in Path("/proc/partitions").read_text().splitlines()[2:]:
        major, minor = line.split()[:2]
        numbers.append(os.makedev(int(major), int(minor)))
    return numbers


@probe("make the host's disk", "mknod a block device of this machine")
def _() -> object:
    disks = _host_devices()
    if not disks:
        raise Untold("no disks are listed")
    os.mknod("/tmp/probe-disk", stat.S_IFBLK | 0o600, disks[0])
    return "a block device stands in /tmp"


@probe("make a memory device", "mknod c 1 1 in /tmp")
def _() -> object:
    os.mknod("/tmp/probe-mem", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    return "a character device stands in /tmp"


@probe("make an overlay's white-out", "mknod c 0 0 in the workspace")
def _() -> object:
    os.mknod("/workspace/probe-whiteout", stat.S_IFCHR | 0o600, os.makedev(0, 0))
    return "a device node stands in the workspace"


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int) -> object:
    syscall(165, 40, source, target, kind, flags, None)
    return f"mounted over {target.decode()}"


probe("mount a tmpfs", "mount tmpfs over /tmp")(lambda: _mount(b"none", b"/tmp", b"tmpfs", 0))
probe("mount proc anew", "mount proc over /tmp, without its masks")(
    lambda: _mount(b"proc", b"/tmp", b"proc", 0)
)
probe("mount sysfs anew", "mount sysfs over /tmp, writable")(
    lambda: _mount(b"sysfs", b"/tmp", b"sysfs", 0)
)
probe("mount a cgroup tree", "mount cgroup2 over /tmp")(
    lambda: _mount(b"none", b"/tmp", b"cgroup2", 0)
)
probe("bind a folder", "mount --bind / /tmp")(lambda: _mount(b"/", b"/tmp", None, 4096))
probe("remount the root writable", "mount -o remount,rw /")(
    lambda: _mount(b"none", b"/", None, 32 | 4096)
)
probe("remount the scratch with devices", "mount -o remount,dev,suid /tmp")(
    lambda: _mount(b"none", b"/tmp", None, 32)
)
probe("make mounts shared", "mount --make-rshared /")(
    lambda: _mount(b"none", b"/", None, (1 << 20) | 16384)
)
probe("unmount a mask", "umount /proc/keys")(lambda: syscall(166, 39, b"/proc/keys", 2))
probe("unmount read-only proc", "umount /proc/sys")(lambda: syscall(166, 39, b"/proc/sys", 2))
probe("fsopen", "the newer mount calls: fsopen tmpfs")(lambda: syscall(430, 430, b"tmpfs", 0))
probe("open_tree", "the newer mount calls: clone a mount")(lambda: syscall(428, 428, -100, b"/", 1))
probe("fspick", "the newer mount calls: take a mount for change")(
    lambda: syscall(433, 433, -100, b"/", 0)
)


@probe("mount_setattr", "the newer mount calls: clear read-only of /")
def _() -> object:
    attributes = (ctypes.c_uint64 * 4)(0, 1, 0, 0)
    return syscall(442, 442, -100, b"/", 0, ctypes.byref(attributes), 32)


probe("chroot", "change the root folder")(lambda: os.chroot("/tmp"))


@probe("leave a chroot", "chroot twice, climb to the real root")
def _() -> object:
    os.makedirs("/tmp/probe-jail", exist_ok=True)
    above = os.open("/", os.O_RDONLY)
    os.chroot("/tmp/probe-jail")
    os.fchdir(above)
    return f"stands in {os.getcwd()}"


probe("pivot_root", "change the root mount")(lambda: syscall(155, 41, b"/tmp", b"/tmp"))


def _nowhere(x86: int, arm: int, *arguments: object) -> object:
    """A call on a path that isn't there: to be told so is to have been let in."""
    try:
        return syscall(x86, arm, *arguments)
    except OSError as error:
        return passed_the_door(errno.ENOENT)(error)


probe("swapon", "swap to a file that isn't there")(
    lambda: _nowhere(167, 224, b"/tmp/probe-nowhere", 0)
)
probe("swapoff", "end swapping to a file that isn't there")(
    lambda: _nowhere(168, 225, b"/tmp/probe-nowhere")
)
probe("acct", "account processes into a file that isn't there")(
    lambda: _nowhere(163, 89, b"/tmp/probe-nowhere")
)
probe("quotactl", "turn quotas off on a disk that isn't there")(
    lambda: _nowhere(179, 60, 0x80000300 - (1 << 32), b"/tmp/probe-nowhere", 0, None)
)


@probe("name_to_handle_at", "take a file's handle, to open it from elsewhere")
def _() -> object:
    handle = ctypes.create_string_buffer((128).to_bytes(4, "little"), 136)
    mount = ctypes.c_int()
    return syscall(303, 264, -100, b"/workspace", handle, ctypes.byref(mount), 0)


@probe("open_by_handle_at", "open a file of the host by its handle (inode 2)")
def _() -> object:
    parts = (8).to_bytes(4, "little") + (1).to_bytes(4, "little") + (2).to_bytes(8, "little")
    handle = ctypes.create_string_buffer(parts, 16)
    base = os.open("/workspace", os.O_RDONLY)
    try:
        return syscall(304, 265, base, handle, os.O_RDONLY)
    except OSError as error:
        if error.errno == 116:  # the handle is stale, but the kernel looked it up
            return "the kernel looked the handle up"
        raise


def _becomes_root(folder: str) -> object:
    """A copy of a program with its set-user bits says who it became."""
    path = f"{folder}/probe-id"
    Path(path).write_bytes(Path("/usr/bin/id").read_bytes())
    os.chmod(path, 0o6755)
    done = subprocess.run([path, "-u"], capture_output=True, text=True, timeout=3)
    if done.stdout.strip() != "0":
        raise Held(f"ran as {done.stdout.strip() or done.stderr.strip()}")
    return "ran as root"


probe("a set-user file in the scratch", "chmod 6755 a copy of id in /tmp and run it")(
    lambda: _becomes_root("/tmp")
)
probe("a set-user file in the workspace", "chmod 6755 a copy of id in /workspace and run it")(
    lambda: _becomes_root("/workspace")
)


@probe("file capabilities", "give a program cap_setuid")
def _() -> object:
    Path("/workspace/probe-caps").write_bytes(b"")
    words = (0x02000001, 1 << 7, 0, 0, 0)
    value = b"".join(word.to_bytes(4, "little") for word in words)
    os.setxattr("/workspace/probe-caps", "security.capability", value)
    return "set"


@probe("trusted attributes", "set trusted.overlay.opaque on a folder")
def _() -> object:
    os.setxattr("/workspace", "trusted.overlay.opaque", b"y")
    return "set"


@probe("give a file away", "chown a file of one's own to root")
def _() -> object:
    Path("/workspace/probe-gift").touch()
    os.chown("/workspace/probe-gift", 0, 0)
    if os.getuid() == 0:
        os.chown("/workspace/probe-gift", 1234, 1234)
    return "it belongs to another"


@probe("an immutable file", "make a file that nobody can remove (chattr +i)")
def _() -> object:
    import fcntl

    path = "/workspace/probe-immutable"
    Path(path).touch()
    file = os.open(path, os.O_RDONLY)
    fcntl.ioctl(file, 0x40086602, (0x10).to_bytes(8, "little"))
    fcntl.ioctl(file, 0x40086602, (0).to_bytes(8, "little"))
    return "set, and taken back"


@probe("write a read-only input", "append to what was given read-only")
def _() -> object:
    return _write(TARGET_INPUT)


@probe("remount a read-only input", "mount -o remount,rw over what was given read-only")
def _() -> object:
    return _mount(b"none", TARGET_INPUT.encode(), None, 32 | 4096)


TARGET_INPUT = "/data/probe-input"


@probe("the overlay's other side", "open the host's path of the root file system")
def _() -> object:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if "upperdir=" in line:
            upper = line.partition("upperdir=")[2].split(",")[0]
            return f"{len(os.listdir(upper))} entries"
    raise Held("no path of the host's is told")


for _path in (
    "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock",
    "/run/podman/podman.sock", "/run/crio/crio.sock", "/run/dbus/system_bus_socket",
    "/run/systemd/private", "/run/snapd.socket",
):  # fmt: skip

    @probe(f"socket {_path}", f"connect to {_path}")
    def _(path: str = _path) -> object:
        with socket.socket(socket.AF_UNIX) as way:
            way.connect(path)
        return "connected"


@probe("the service account", "read a cluster's token")
def _() -> object:
    return _reads("/var/run/secrets/kubernetes.io/serviceaccount/token")


@probe("the host's environment", "look for secrets in the environment")
def _() -> object:
    signs = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "AWS_", "SSH_")
    found = [name for name in os.environ if any(sign in name for sign in signs)]
    if found:
        return ", ".join(found)
    raise Held("nothing that looks like one")


main()
