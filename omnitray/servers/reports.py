"""What a machine reports: which alerts are open for its server, and their words."""

from typing import Any

from omnitray.base.amounts import duration
from omnitray.base.facts import AlertType, Severity
from omnitray.servers.model import (
    BY_OMNITRAY,
    AlertNews,
    Effect,
    PermissionFault,
    PortOwner,
    ServerExit,
    ServerView,
)

TAIL_LINES = 50  # what fits into one screen of a log
TYPES = (AlertType.SERVER_DOWN, AlertType.SERVER_SLOW, AlertType.PERMISSION_ERROR)


class Reports:
    """The open alerts of one server; each method returns what to raise or to close.

    All that keeps it from being up is one incident, whose words change: it is over when the server
    is up, or is stopped or removed by a person, and not because something worse takes over.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        # What the last OmniTray left open is not known: the first good news closes all of it.
        self._open: dict[AlertType, None] = dict.fromkeys(TYPES)
        self.is_down = False  # an outage was reported, and is not over

    def down(
        self, view: ServerView, why: str, delay_s: float | None, tail: tuple[str, ...]
    ) -> list[Effect]:
        """It is not up, and it should be."""
        self.is_down = True
        then = (
            f"It is started again in {duration(delay_s)}."
            if delay_s is not None
            else "OmniTray only watches it."
            if view.spec.watch_only
            else "It is not started again by itself."
        )
        return [
            self._raise(
                AlertType.SERVER_DOWN,
                title=f"Server “{self._server}” is down",
                message=f"{sentence(why)} {then}{last_words(tail, why)}",
                context=context_of(view, tail, why),
            )
        ]

    def cannot_start(
        self, view: ServerView, why: str, permission: PermissionFault | None
    ) -> list[Effect]:
        """Its program or folder is not there or may not be used: no other try would help."""
        self.is_down = True
        remedy = (
            "Install what is missing, or correct the server's command or folder. "
            if permission is None
            else f"{permission.remedy} "
        )
        return [
            self._raise(
                AlertType.SERVER_DOWN,
                title=f"Server “{self._server}” cannot be started",
                message=f"{sentence(why)} {remedy}It is tried again when the settings or the "
                "file change, or when you start it.",
                context=context_of(view, ()),
            )
        ]

    def ended_by_itself(self, view: ServerView, why: str) -> list[Effect]:
        """A clean exit that nothing asked for: worth a warning, no fault."""
        return [
            self._raise(
                AlertType.SERVER_DOWN,
                severity=Severity.WARNING,
                title=f"Server “{self._server}” has ended by itself",
                message=f"It ended with exit code 0, and restart = {view.spec.restart} "
                "does not start it again.",
                context=context_of(view, (), why),
            )
        ]

    def crash_loop(self, view: ServerView, why: str, tail: tuple[str, ...]) -> list[Effect]:
        """It is not started any more: the same outage, which has become worse."""
        self.is_down = True
        return [
            self._raise(
                AlertType.SERVER_DOWN,
                escalates=True,
                title=f"Server “{self._server}” is in a crash loop",
                message=f"It failed again and again and is left stopped. The last time: "
                f"{sentence(why)}{last_words(tail, why)} "
                "Restart it, or change a file of its project.",
                context={**context_of(view, tail, why), "restart": self._server},
            ),
        ]

    def foreign(self, view: ServerView, where: str, owner: PortOwner) -> list[Effect]:
        """Another process has its port."""
        self.is_down = True
        who = owner.words
        remedy = (
            "Have it stay in the foreground, as only that can be watched, and end that process."
            if owner.in_background
            else "End it, or give the server another port."
        )
        return [
            self._raise(
                AlertType.SERVER_DOWN,
                title=f"Server “{self._server}” finds its port taken",
                message=f"{where[0].upper()}{where[1:]} is taken by {who}. {remedy}",
                context={**context_of(view, ()), "taken_by": who},
            )
        ]

    def slow(self, so_far_s: float, usual_s: float | None) -> list[Effect]:
        """It is alive and not ready yet."""
        usually = f" It usually takes {duration(usual_s)}." if usual_s is not None else ""
        return [
            self._raise(
                AlertType.SERVER_SLOW,
                title=f"Server “{self._server}” is slow to start",
                message=f"It is not ready after {duration(so_far_s)}.{usually}",
                context={"server": self._server, "starting_s": round(so_far_s, 1)},
            )
        ]

    def permission(self, fault: PermissionFault, tail: tuple[str, ...]) -> list[Effect]:
        """Something it needs is not allowed."""
        found = {
            key: value
            for key, value in (
                ("path", fault.path),
                ("mode", fault.mode),
                ("owner", fault.owner),
                ("remedy", fault.remedy),
            )
            if value
        }
        return [
            self._raise(
                AlertType.PERMISSION_ERROR,
                title=f"Server “{self._server}” is not permitted to do something",
                message=fault.sentences,
                context={"server": self._server, **found, "log_tail": list(tail)},
            )
        ]

    def tried_again(self, view: ServerView) -> list[Effect]:
        """A person or a changed file starts it: its outage goes on until it is up."""
        if not self.is_down:
            return []
        return [
            self._raise(
                AlertType.SERVER_DOWN,
                title=f"Server “{self._server}” is down",
                message="It is being started again.",
                context=context_of(view, ()),
            )
        ]

    def clear(self) -> list[Effect]:
        """All is well, or it is meant to be stopped."""
        self.is_down = False
        return [self._close(type_) for type_ in tuple(self._open)]

    def _raise(
        self,
        type_: AlertType,
        *,
        severity: Severity | None = None,
        escalates: bool = False,
        title: str,
        message: str,
        context: dict[str, Any],
    ) -> AlertNews:
        self._open[type_] = None
        return AlertNews(
            server=self._server,
            type=type_,
            severity=severity,
            escalates=escalates,
            title=title,
            message=message,
            context=context,
        )

    def _close(self, type_: AlertType) -> AlertNews:
        del self._open[type_]
        return AlertNews(server=self._server, type=type_, resolved=True)


def exit_words(found: ServerExit) -> str:
    """``exit 1, ModuleNotFoundError: shop`` or ``ended by OmniTray, SIGTERM``."""
    if found.reason.startswith(BY_OMNITRAY):
        how = found.signal or ("" if found.code is None else f"exit {found.code}")
        return f"{found.reason}, {how}" if how else found.reason
    if found.signal is not None:
        how = f"ended by {found.signal}"
    elif found.code is not None:
        how = f"exit {found.code}"
    else:
        return found.reason
    return f"{how}, {found.reason}" if found.reason and found.reason != how else how


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip() or "no reason is known"
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def last_words(tail: tuple[str, ...], already: str = "") -> str:
    """The last line of the log as part of a message that does not say it yet."""
    said = next((line.strip() for line in reversed(tail) if line.strip()), "")
    return f" Its log ends with: {said}" if said and said not in already else ""


def context_of(view: ServerView, tail: tuple[str, ...], why: str = "") -> dict[str, Any]:
    """What every alert about a server carries; an exit where that is ``why``."""
    ended = view.last_exit
    if ended is not None and exit_words(ended) != why:
        ended = None  # of another time
    return {
        "server": view.name,
        "state": view.state.value,
        "pid": view.pid,
        "restarts": view.restarts,
        "exit_code": ended.code if ended else None,
        "signal": ended.signal if ended else None,
        "log_file": view.log_file,
        "log_tail": list(tail[-TAIL_LINES:]),
    }
