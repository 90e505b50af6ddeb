"""System calls: namespaces, tracing, keys, modules, clocks, other people's rights and limits."""

import ctypes
import errno
import mmap
import os
import resource
import signal
import socket
import subprocess
from functools import partial

from evals.attacks.container.inside.harness import (
    Held,
    Untold,
    main,
    passed_the_door,
    probe,
    syscall,
)

_NAMESPACES = {
    "user": 0x10000000, "mount": 0x00020000, "process": 0x20000000, "network": 0x40000000,
    "IPC": 0x08000000, "host name": 0x04000000, "cgroup": 0x02000000, "time": 0x00000080,
}  # fmt: skip

for _name, _flag in _NAMESPACES.items():
    probe(f"unshare the {_name} namespace", f"unshare({_flag:#x})")(
        partial(syscall, 272, 97, _flag)
    )
    if _name != "time":  # which clone can't make

        @probe(f"clone a {_name} namespace", f"clone({_flag:#x} | SIGCHLD)")
        def _(flag: int = _flag) -> object:
            child = syscall(56, 220, flag | signal.SIGCHLD, 0, 0, 0, 0)
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
            return "a child runs in one"


@probe("clone3 a user namespace", "the same through clone3, whose flags a filter can't see")
def _() -> object:
    arguments = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    child = syscall(435, 435, ctypes.byref(arguments), 64)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "a child runs in one"


@probe("enter a namespace", "setns into one's own host-name namespace")
def _() -> object:
    return syscall(308, 268, os.open("/proc/self/ns/uts", os.O_RDONLY), 0)


def _child() -> int:
    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    return child


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@probe("trace a child", "ptrace(PTRACE_SEIZE) on a process of one's own")
def _() -> object:
    child = _child()
    try:
        return syscall(101, 117, 0x4206, child, 0, 0)
    finally:
        _end(child)


probe("be traced", "ptrace(PTRACE_TRACEME)")(lambda: syscall(101, 117, 0, 0, 0, 0))


@probe("read another's memory", "process_vm_readv on a process of one's own")
def _() -> object:
    text = ctypes.create_string_buffer(b"a secret", 8)
    child = _child()
    got = ctypes.create_string_buffer(8)
    here = (ctypes.c_uint64 * 2)(ctypes.addressof(got), 8)
    there = (ctypes.c_uint64 * 2)(ctypes.addressof(text), 8)
    try:
        return syscall(310, 270, child, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    finally:
        _end(child)


@probe("write another's memory", "process_vm_writev on a process of one's own")
def _() -> object:
    text = ctypes.create_string_buffer(b"a secret", 8)
    child = _child()
    part = (ctypes.c_uint64 * 2)(ctypes.addressof(text), 8)
    try:
        return syscall(311, 271, child, ctypes.byref(part), 1, ctypes.byref(part), 1, 0)
    finally:
        _end(child)


@probe("take another's file", "pidfd_getfd on a process of one's own")
def _() -> object:
    child = _child()
    try:
        return syscall(438, 438, syscall(434, 434, child, 0), 1, 0)
    finally:
        _end(child)


@probe("compare processes", "kcmp, which tells where kernel objects lie")
def _() -> object:
    child = _child()
    try:
        return syscall(312, 272, os.getpid(), child, 0, 0, 0)
    finally:
        _end(child)


@probe("advise another's memory", "process_madvise on a process of one's own")
def _() -> object:
    child = _child()
    try:
        part = (ctypes.c_uint64 * 2)(0, 0)
        return syscall(440, 440, syscall(434, 434, child, 0), ctypes.byref(part), 1, 20, 0)
    finally:
        _end(child)


@probe("move another's pages", "move_pages on oneself")
def _() -> object:
    return syscall(279, 239, 0, 0, None, None, None, 0)


_RING = ctypes.create_string_buffer(120)
probe("io_uring", "set up a ring")(lambda: syscall(425, 425, 4, _RING))


@probe("io_uring's other calls", "io_uring_register and io_uring_enter")
def _() -> object:
    judge = passed_the_door(errno.EBADF, errno.EOPNOTSUPP, errno.EINVAL)
    for number in (426, 427):
        try:
            return syscall(number, number, -1, 0, 0, 0, 0, 0)
        except OSError as error:
            last = error
    return judge(last)


@probe("bpf", "make a map")
def _() -> object:
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)
    return syscall(321, 280, 0, attributes, 128)


@probe("perf_event_open", "count the processor's events")
def _() -> object:
    kind = (1).to_bytes(4, "little") + (128).to_bytes(4, "little")
    flags = (0x60).to_bytes(8, "little")  # user space alone
    attributes = ctypes.create_string_buffer(kind.ljust(40, b"\0") + flags, 128)
    return syscall(298, 241, attributes, 0, -1, -1, 0)


probe("userfaultfd", "hold the kernel up in a page fault")(lambda: syscall(323, 282, 1 | 0o4000))
probe("keyctl", "read one's session's keyring")(lambda: syscall(250, 219, 0, -3, 1))
probe("add_key", "put a key where other containers of the user find it")(
    lambda: syscall(248, 217, b"user", b"probe", b"y", 1, -4)
)
probe("request_key", "have the kernel start a program of the host for a key")(
    lambda: syscall(249, 218, b"user", b"probe", b"x", -3)
)


@probe("load a module", "init_module with nonsense")
def _() -> object:
    try:
        return syscall(175, 105, b"nonsense", 8, b"")
    except OSError as error:
        return passed_the_door(errno.ENOEXEC, errno.EINVAL)(error)


@probe("load a module file", "finit_module with a file that is none")
def _() -> object:
    try:
        return syscall(313, 273, os.open("/etc/passwd", os.O_RDONLY), b"", 0)
    except OSError as error:
        return passed_the_door(errno.ENOEXEC, errno.EINVAL)(error)


@probe("unload a module", "delete_module of one that isn't there")
def _() -> object:
    try:
        return syscall(176, 106, b"labcrew_probe", 0o4000)
    except OSError as error:
        return passed_the_door(errno.ENOENT)(error)


@probe("kexec", "load a kernel with flags that don't exist")
def _() -> object:
    try:
        return syscall(246, 104, 0, 0, None, 0xFFFF)
    except OSError as error:
        return passed_the_door(errno.EINVAL)(error)


@probe("kexec from a file", "load a kernel that is none")
def _() -> object:
    try:
        return syscall(320, 294, -1, -1, 0, None, 4)
    except OSError as error:
        return passed_the_door(errno.EBADF, errno.EINVAL)(error)


@probe("reboot", "tell the kernel what Ctrl-Alt-Del does")
def _() -> object:
    try:
        return syscall(169, 142, 0xFEE1DEAD, 672274793, 0, None)
    except OSError as error:
        return passed_the_door(errno.EINVAL)(error)


@probe("set the clock", "clock_settime to what it says already")
def _() -> object:
    import time

    now = time.clock_gettime_ns(time.CLOCK_REALTIME)
    return syscall(227, 112, 0, (ctypes.c_long * 2)(now // 10**9, now % 10**9))


probe("set the time of day", "settimeofday with nothing to set")(lambda: syscall(164, 170, 0, 0))


@probe("tune the clock", "adjtimex with a tick that can't be")
def _() -> object:
    try:
        return syscall(159, 171, (ctypes.c_long * 26)(0x4000))
    except OSError as error:
        return passed_the_door(errno.EINVAL)(error)


probe("set the host name", "sethostname")(lambda: socket.sethostname("probe"))
probe("set the domain name", "setdomainname")(lambda: syscall(171, 162, b"probe", 5))
probe("another personality", "personality without address randomisation")(
    lambda: syscall(135, 92, 0x0040000)
)
probe("an old personality", "personality with a readable page zero")(
    lambda: syscall(135, 92, 0x0100000)
)
probe("I/O privileges", "iopl(3)")(lambda: syscall(172, -1, 3))
probe("I/O ports", "ioperm on the keyboard's port")(lambda: syscall(173, -1, 0x60, 1, 1))


@probe("segment tables", "modify_ldt, which old exploits need")
def _() -> object:
    return syscall(154, -1, 0, ctypes.create_string_buffer(64), 64)


probe("the kernel's log", "syslog(3): read all of it")(
    lambda: syscall(103, 116, 3, ctypes.create_string_buffer(4096), 4096)
)
probe("hang up the terminal", "vhangup")(lambda: syscall(153, 58))
probe("hidden memory", "memfd_secret, out of the host's sight")(lambda: syscall(447, 447, 0))
probe("watch all files", "fanotify_init")(lambda: syscall(300, 262, 0, 0))


@probe("answer for another", "seccomp with a listener that decides another's calls")
def _() -> object:
    program = (ctypes.c_uint64 * 1)(0x7FFF000000000006)

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    given = Filter(1, ctypes.addressof(program))
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
    return syscall(317, 277, 1, 8, ctypes.byref(given))


@probe("the 32-bit door", "a system call by int 0x80, whose numbers mean other calls")
def _() -> object:
    if os.uname().machine != "x86_64":
        raise Held("this machine has none")
    # mov eax, 20 (getpid); int 0x80; ret
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid() else 7)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        raise Held(f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
    if os.WEXITSTATUS(status):
        raise Held("it answers nothing")
    return "it answers"


@probe("the x32 door", "a system call with the x32 bit, whose numbers mean other calls")
def _() -> object:
    return syscall(0x40000000 + 39, -1)


probe("become root", "setuid(0)")(lambda: _unless_root(lambda: os.setuid(0)))
probe("become root for good", "setresuid(0, 0, 0)")(
    lambda: _unless_root(lambda: os.setresuid(0, 0, 0))
)
probe("become another user", "setuid(1000)")(lambda: os.setuid(1000))
probe("join root's group", "setgid(0)")(lambda: _unless_root(lambda: os.setgid(0)))
probe("join more groups", "setgroups([0, 999])")(lambda: os.setgroups([0, 999]))


def _unless_root(action: object) -> object:
    assert callable(action)
    action()
    return f"user {os.getuid()}, group {os.getgid()}"


@probe("su", "ask su for root's shell")
def _() -> object:
    done = subprocess.run(
        ["su", "-c", "id -u"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3
    )
    if done.stdout.strip() != "0":
        raise Held((done.stderr.strip() or "no root's shell")[:100])
    return "su gave root's shell"


@probe("raise capabilities", "capset with all of them")
def _() -> object:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(*[1 << 7, 1 << 7, 0, 0, 0, 0])
    return syscall(126, 91, header, data)


@probe("keep capabilities", "set the secure bits")
def _() -> object:
    if ctypes.CDLL(None, use_errno=True).prctl(28, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "refused")
    return "set"


@probe("a higher priority", "nice -1")
def _() -> object:
    return os.nice(-1)


@probe("real-time priority", "sched_setscheduler(SCHED_FIFO)")
def _() -> object:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "runs before all others"


@probe("real-time disk priority", "ioprio_set(real-time)")
def _() -> object:
    return syscall(251, 30, 1, 0, 1 << 13)


@probe("raise a hard limit", "setrlimit of open files beyond the hard limit")
def _() -> object:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        raise Untold("there is none")
    _raise(resource.RLIMIT_NOFILE, hard)
    return "raised"


@probe("dump core", "raise the size of core files, which the host's handler gets")
def _() -> object:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        _raise(resource.RLIMIT_CORE, hard)
    return "core files are written"


def _raise(kind: int, hard: int) -> None:
    try:
        resource.setrlimit(kind, (hard, hard + 1))
    except ValueError as error:  # what Python makes of EPERM
        raise Held(str(error)) from None


main()
