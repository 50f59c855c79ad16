"""The last part of a start: a forked child in the container's namespaces becomes the process that was asked for.

From ``setns`` on no file of Python's library can be seen, so everything used here is imported by then.
"""

from __future__ import annotations

import errno
import os
import resource
import select
import signal

from boathook.runtimes.spawner import syscalls
from boathook.runtimes.spawner.holder import map_single
from boathook.runtimes.spawner.steps import Report, StepFailed, reason, step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boathook.runtimes.spawner.wire import Message

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for when the environment has no PATH, as container engines do."""

_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats")
_MASKED_DIRECTORIES = ("/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware")
"""What engines hide in /proc and /sys of an unprivileged container (moby oci/defaults.go)."""


def become(process: Message, stdio: tuple[int, ...], user_namespace: int | None, report: Report) -> None:
    """Never returns: it ends as the program, or reports why not and exits."""
    try:
        _become(process, stdio, user_namespace, report)
    except BaseException as error:  # noqa: BLE001  a forked child must not run on into the spawner's loop
        report.failed(error)
    os._exit(127)


def _become(process: Message, stdio: tuple[int, ...], user_namespace: int | None, report: Report) -> None:
    syscalls.die_with_parent(signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_NOFILE, tuple(process["open_files"]))
    os.umask(0o022)
    if process["is_init"]:
        mount_proc(process)
    os.setsid()
    _take_stdio(stdio, process)
    syscalls.close_except({report.descriptor} | ({user_namespace} if user_namespace is not None else set()))
    environment = _environment(process)
    _enter_nested_user_namespace(process, user_namespace)
    _change_user(process)
    if process["no_new_privileges"]:
        syscalls.no_new_privileges()
    syscalls.die_with_parent(signal.SIGKILL)
    _exit_if_orphaned(report)
    with step(f'enter working directory "{process["cwd"]}"'):
        os.chdir(process["cwd"])
    _reset_signals()
    report.ready()
    if process["argv"]:
        if process["below_init"]:
            _stay_as_init(report)
        _execute(process["argv"], environment)
    os.close(report.descriptor)
    os._exit(_pause())


def mount_proc(process: Message) -> None:
    """A /proc of the new process namespace, and /sys of the network namespace where this may be mounted."""
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    with step("mount /proc"):
        syscalls.mount(b"proc", b"/proc", b"proc", flags)
    if process["mount_sys"]:
        with step("mount /sys"):
            syscalls.mount(b"sysfs", b"/sys", b"sysfs", flags | (0 if process["see_all"] else syscalls.MS_RDONLY))
    os.chmod("/dev/shm", 0o1777)
    if process["see_all"]:
        return
    with step("restrict /proc"):
        for path in filter(os.path.exists, _READ_ONLY):
            name = path.encode()
            syscalls.mount(name, name, None, syscalls.MS_BIND)
            syscalls.mount(name, name, None, syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY | flags)
        for path in filter(os.path.exists, _MASKED):
            syscalls.mount(b"/dev/null", path.encode(), None, syscalls.MS_BIND)
        for path in filter(os.path.isdir, _MASKED_DIRECTORIES):
            syscalls.mount(b"tmpfs", path.encode(), b"tmpfs", flags | syscalls.MS_RDONLY, b"size=0k")


def _take_stdio(stdio: tuple[int, ...], process: Message) -> None:
    """The pipes become the user's own, so that it may open /proc/self/fd/1 and /proc/1/fd/1.

    They are those of stdout and stderr, and of stdin where it has one; else that is /dev/null as it is.
    """
    for descriptor, target in zip(stdio, (1, 2, 0), strict=False):
        if process["change_user"]:
            os.fchown(descriptor, process["uid"], process["gid"])
        os.dup2(descriptor, target, inheritable=True)


def _enter_nested_user_namespace(process: Message, user_namespace: int | None) -> None:
    """Where only one uid can be had, a uid other than 0 is given by a user namespace within the sandbox's."""
    if user_namespace is not None:
        with step("enter the user namespace"):
            syscalls.setns(user_namespace, syscalls.NEWUSER)
        os.close(user_namespace)
    elif process["nested"]:
        with step("make a user namespace"):
            syscalls.unshare(syscalls.NEWUSER)
            map_single(process["uid"], 0, process["gid"], 0)


def _change_user(process: Message) -> None:
    """Groups, then what it may become, then the user: from there on nothing of this could be changed."""
    uid, gid, bounding = process["uid"], process["gid"], process["bounding"]
    with step(f"become user {uid}:{gid}"):
        if process["change_user"]:
            os.setgroups(process["groups"])
            os.setresgid(gid, gid, gid)
        for capability in range(process["last_capability"] + 1):
            if bounding is not None and not bounding >> capability & 1:
                syscalls.drop_from_bounding_set(capability)
        if process["change_user"]:
            os.setresuid(uid, uid, uid)
        if uid != 0:
            syscalls.set_capabilities(0)
        elif bounding is not None:
            syscalls.set_capabilities(bounding & process["available"])


def _exit_if_orphaned(report: Report) -> None:
    """The spawner may have died before the parent-death signal was set; then nobody reads the report."""
    poll = select.poll()
    poll.register(report.descriptor, 0)
    if any(event & select.POLLERR for _, event in poll.poll(0)):
        os._exit(127)


def _reset_signals() -> None:
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _environment(process: Message) -> dict[str, str]:
    """PATH and HOME are added where missing, as engines do; HOME is that of the user in the container's passwd file."""
    environment: dict[str, str] = dict(process["environment"])
    environment.setdefault("PATH", DEFAULT_PATH)
    if "HOME" not in environment:
        environment["HOME"] = _home_of(process["uid"])
    return environment


def _home_of(uid: int) -> str:
    try:
        descriptor = os.open("/etc/passwd", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return "/"
    text = os.read(descriptor, 1 << 20)
    os.close(descriptor)
    for line in text.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 5 and fields[2] == str(uid).encode():
            return os.fsdecode(fields[5]) or "/"
    return "/"


def _execute(argv: list[str], environment: dict[str, str]) -> None:
    """execve with the container's PATH. Written out, since ``os.execvpe`` imports modules when it is called."""
    program = argv[0]
    if "/" in program:
        with step(f'exec "{program}"'):
            os.execve(program, argv, environment)
    denied: OSError | None = None
    for directory in environment["PATH"].split(":"):
        try:
            os.execve(f"{directory or '.'}/{program}", argv, environment)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                denied = error
    if denied is not None:
        raise StepFailed(f'exec "{program}"', denied.errno or 0, reason(denied))
    raise StepFailed(f'exec "{program}"', errno.ENOENT, "executable file not found in $PATH")


def _stay_as_init(report: Report) -> None:
    """Returns in a child, which becomes the program. This process hands signals on to it, reaps, and ends as it does.

    A first process of a namespace is sent only what it catches or blocks, so all is blocked and waited for.
    """
    everything = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    signal.pthread_sigmask(signal.SIG_BLOCK, everything)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        return
    os.close(report.descriptor)
    while True:
        number = signal.sigwait(everything)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        while (ended := _reaped())[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                os._exit(code if code >= 0 else 128 - code)


def _reaped() -> tuple[int, int]:
    """A child that has ended, and its status; (0, 0) when none has."""
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return 0, 0


def _pause() -> int:
    """Stand still, reap orphans, and leave when asked to."""
    watched = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    for number in watched:
        # Never called: who looks at this process from outside sees only so that it minds these signals.
        signal.signal(number, lambda number, frame: None)
    while signal.sigwait(watched) == signal.SIGCHLD:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            continue
    return 0
