"""The command as a child process: started as a shell would start it, and waited for.

It inherits everything: descriptors, folder, limits, environment, and the signals that were ignored
or blocked when we were started. With a controlling terminal it stays in our process group, so that
the terminal treats it exactly as it would without us (docs/adr); without one it has a session of
its own.
"""

import contextlib
import errno
import os

from omnitray.runs.light import signal

NOT_FOUND, NOT_EXECUTABLE, REFUSED = 127, 126, 125
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_GO = b"\n"


class NotStarted(Exception):  # noqa: N818 - an answer, with its exit status
    """The command could not be started; ``status`` is what a shell would end with."""

    def __init__(self, program: str, number: int) -> None:
        missing = number in _MISSING or not program
        why = "there is no such program" if missing else os.strerror(number)
        if "/" in program and os.path.exists(program):
            # Its file is there: the interpreter of its first line, or its loader, is not.
            why = "what its first line names is not there" if missing else why
            why = "it is a folder" if os.path.isdir(program) else why
        super().__init__(f"{program}: {why}")
        self.status = NOT_FOUND if missing else NOT_EXECUTABLE


def has_terminal() -> bool:
    """Whether there is a controlling terminal, whatever the standard descriptors are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


class Child:
    """A started command. ``go`` lets it begin where it was started with ``hold``."""

    def __init__(
        self,
        words: "list[str]",
        environ: "dict[str, str]",
        mask: "set[int]",
        *,
        own_session: bool,
        hold: bool = False,
    ) -> None:
        self.program = words[0]
        self.own_session = own_session
        self._said, said_by_child = os.pipe()
        gate, self._gate = os.pipe() if hold else (-1, -1)
        try:
            self.pid = os.fork()
        except OSError as error:
            raise OSError(error.errno, f"no process can be started: {error.strerror}") from error
        if self.pid == 0:
            _become(words, environ, mask, said_by_child, gate, own_session=own_session)
        os.close(said_by_child)
        if hold:
            os.close(gate)

    def go(self) -> None:
        """Let it begin; raises :class:`NotStarted`."""
        if self._gate >= 0:
            with contextlib.suppress(BrokenPipeError):  # it was ended meanwhile
                os.write(self._gate, _GO)
            os.close(self._gate)
            self._gate = -1
        said = os.read(self._said, 16)
        os.close(self._said)
        if said:
            os.waitpid(self.pid, 0)
            raise NotStarted(self.program, int(said))

    def signal(self, number: int) -> None:
        """Pass a signal on: to the command, and in a session of its own to its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.own_session and number in _FOR_ALL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


# What a caller means for everything that it has started; the others are for the command alone.
_FOR_ALL = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCONT})


def _become(
    words: "list[str]",
    environ: "dict[str, str]",
    mask: "set[int]",
    said: int,
    gate: int,
    *,
    own_session: bool,
) -> None:
    """In the child: never returns."""
    number = errno.EINVAL
    try:
        if own_session:
            os.setsid()
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, for itself
            signal.signal(ignored, signal.SIG_DFL)
        if environ.get("LISTEN_PID") == str(os.getppid()):  # sockets handed over by systemd
            environ["LISTEN_PID"] = str(os.getpid())
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if gate < 0 or os.read(gate, 1) == _GO:
            _exec(words, environ)
    except OSError as error:
        number = error.errno or errno.EINVAL
    finally:
        try:
            os.write(said, str(number).encode())
        finally:
            os._exit(NOT_FOUND)


def _exec(words: "list[str]", environ: "dict[str, str]") -> None:
    refused: OSError | None = None
    for place in _candidates(words[0], environ.get("PATH", os.defpath)):
        try:
            os.execve(place, words, environ)  # noqa: S606 - that is its purpose
        except OSError as error:
            if error.errno == errno.ENOEXEC:  # a script without its first line, as shells run it
                os.execve("/bin/sh", ["sh", place, *words[1:]], environ)  # noqa: S606
            if error.errno not in _MISSING and refused is None:
                refused = error
    raise refused or OSError(errno.ENOENT, "")


def _candidates(program: str, path: str) -> "list[str]":
    if "/" in program:
        return [program]
    return [os.path.join(folder or ".", program) for folder in path.split(":")]
