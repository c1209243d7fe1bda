"""Signals between their sender and the command: each reaches it exactly once.

All signals are blocked in the wrapper and taken one by one, with where they come from. What the
terminal sends (Ctrl-C, Ctrl-Z, a new size) it sends to the command as well. That it was closed, the
kernel says to the leader of the session alone (tty_signal_session_leader() in tty_jobctrl.c), which
is the wrapper where a terminal or ssh has started it itself. What a program sends may be meant for
the wrapper alone (``kill PID``: passed on) or for the whole process group (``kill %1``: the command
has it already). The kernel does not say which, so a small process in the same group, the witness,
tells: what it got too was for all. It also ends the command where the wrapper is killed, as
``kill -9`` would end the command itself.
"""

import contextlib
import os
import select
import time

from omnitray.runs.light import signal
from omnitray.runs.tree import RunTree, send

FROM_THE_KERNEL = 0x80  # SI_KERNEL: the terminal's own signals carry it
_OF_A_HANGUP = frozenset({signal.SIGHUP, signal.SIGCONT})
# Between the first and the last process of a group that is sent a signal: some microseconds.
SPREAD_S = 0.002
WITNESS_S = 5.0  # for an answer of the witness on a machine that swaps
STOPS = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_OWN = frozenset(
    {signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
    | {signal.SIGTRAP, signal.SIGSYS, signal.SIGPIPE, signal.SIGXFSZ}
)
TAKEN = frozenset(signal.valid_signals()) - _OWN
_BYE, _ASK, _ANSWER = b".", b"?", b"\0"


class SignalRelay:
    """Takes signals from now on; ``mask`` is what was blocked before."""

    def __init__(self) -> None:
        self.mask: set[int] = {*signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)}
        self._witness: Witness | None = None

    def before_the_start(self) -> "set[int]":
        """What came until now, to be passed on to a command that was not there when it was sent."""
        early = {*signal.sigpending()} & TAKEN
        for number in early:
            signal.sigtimedwait({number}, 0.0)
        return early - {signal.SIGCHLD}

    def watch(self, child: int, *, own_session: bool) -> None:
        """Start the witness."""
        self._witness = Witness(child, own_session=own_session)

    def next(self, timeout_s: float) -> "tuple[int, bool] | None":
        """The next signal and whether it has to be passed on; None after the time."""
        found = signal.sigtimedwait(TAKEN, max(0.0, timeout_s))
        if found is None:
            return None
        number = found.si_signo
        if number == signal.SIGCHLD:
            return number, False
        if self._witness is None or not self._witness.in_group:
            return number, True
        was_for_all = self._witness.got(number)  # also asked where it is known: it forgets then
        by_terminal = found.si_code == FROM_THE_KERNEL and number not in _OF_A_HANGUP
        return number, not (was_for_all or by_terminal)

    def stop_along(self, number: int) -> None:
        """Stop as the command was stopped, until we are continued: so a shell sees its job stop."""
        before = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        signal.signal(number, before)

    def die_of(self, number: int) -> None:
        """End by a signal, so that a shell's script sees that it was interrupted."""
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})

    def close(self) -> None:
        """Send the witness away."""
        if self._witness is not None:
            self._witness.close()
            self._witness = None


class Witness:
    """The process beside us. ``in_group``: it stands in our process group, as the command does."""

    def __init__(self, child: int, *, own_session: bool) -> None:
        self.in_group = not own_session
        alive, self._alive = os.pipe()
        self._words, word = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._alive)
                _bear_witness(child, alive, word, own_session=own_session)
            finally:
                os._exit(0)
        os.close(alive)
        os.close(word)

    def got(self, number: int) -> bool:
        """Whether the witness was sent this signal since it was asked last, and so the group."""
        time.sleep(SPREAD_S)
        said = b""
        try:
            os.write(self._alive, _ASK)
            while not said.endswith(_ANSWER) and select.select([self._words], [], [], WITNESS_S)[0]:
                more = os.read(self._words, 64)
                if not more:
                    return False
                said += more
        except BrokenPipeError:  # it has been ended
            return False
        return number in said

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._alive, _BYE)
        os.close(self._alive)
        os.close(self._words)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _bear_witness(child: int, alive: int, word: int, *, own_session: bool) -> None:
    """In the witness: pass on what comes, until the wrapper says goodbye or is gone."""
    opened = getattr(os, "pidfd_open", None)
    command = opened(child) if opened is not None else -1
    wake, woken = os.pipe()
    close_all_but({alive, word, wake, woken, command})
    if own_session:  # what ends the caller's group must not end the one who cleans up after it
        os.setsid()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for number in TAKEN - {signal.SIGCHLD}:
        signal.signal(number, _nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TAKEN)
    while True:
        ready, _, _ = select.select([alive, wake], [], [])
        if wake in ready:
            os.write(word, os.read(wake, 64))
        if alive not in ready:
            continue
        asked = os.read(alive, 1)
        if asked == _ASK:
            if wake not in ready:
                os.write(word, _pending(wake))
            os.write(word, _ANSWER)
        else:
            if asked != _BYE:
                _end(child, command)
            return


def _pending(wake: int) -> bytes:
    ready, _, _ = select.select([wake], [], [], 0)
    return os.read(wake, 64) if ready else b""


def _end(child: int, command: int) -> None:
    """End the command, and continue what the wrapper may have stopped."""
    others = RunTree(child).look()
    try:
        if command >= 0:
            signal.pidfd_send_signal(command, signal.SIGKILL)
        else:
            os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        return
    for each in others:
        if each.state in {"T", "t"}:
            send(each, signal.SIGCONT)


def _nothing(_number: int, _frame: object) -> None:
    """The byte on the wake-up descriptor is all that is wanted."""


def close_all_but(kept: "set[int]") -> None:
    """What the command reads, writes or locks must not stay open because of us."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(256))
    for number in numbers:
        if number not in kept:
            try:
                os.close(number)
            except OSError:  # the listing's own
                continue
