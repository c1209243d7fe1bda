"""``omnitray doctor``: what works here and what does not, one line each, with the remedy.

Runs in its own process and needs neither Qt nor a running instance. Each check looks at one thing
and returns findings; a check that fails itself is a finding too.
"""

import enum
import os
from collections.abc import Callable, Iterable, Mapping

import msgspec

from omnitray.base.paths import Paths


class Verdict(enum.StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"  # works with less
    FAIL = "fail"  # does not work


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was looked at, what was found, and what helps."""

    topic: str
    verdict: Verdict
    found: str
    remedy: str = ""

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.topic}: {self.found}" + (f"; {self.remedy}" if self.remedy else "")


Check = Callable[[], Iterable[Finding]]


def run(
    paths: Paths, levers: Check | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Every finding; ``levers`` is the protector's own look at its means, where there is one."""
    from omnitray.cli.parser.doctor import desktop  # noqa: PLC0415 - they import us
    from omnitray.cli.parser.doctor import system  # noqa: PLC0415

    environ = os.environ if environ is None else environ
    checks: list[tuple[str, Check]] = [
        ("versions", system.versions),
        ("instance", lambda: system.instance(paths)),
        ("settings", lambda: system.settings(paths)),
        ("folders", lambda: system.folders(paths)),
        ("history", lambda: system.history(paths)),
        ("display", lambda: desktop.display(environ)),
        ("session", lambda: desktop.session(environ)),
        ("pressure", system.pressure),
        ("syslog", system.syslog),
        ("limits", system.limits),
    ]
    if levers is not None:
        checks.append(("levers", levers))
    return [finding for topic, check in checks for finding in _findings(topic, check)]


def ok(topic: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(topic=topic, verdict=Verdict.OK, found=found)


def warn(topic: str, found: str, remedy: str) -> Finding:
    """It works with less."""
    return Finding(topic=topic, verdict=Verdict.WARN, found=found, remedy=remedy)


def fail(topic: str, found: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(topic=topic, verdict=Verdict.FAIL, found=found, remedy=remedy)


def _findings(topic: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except (OSError, ValueError, RuntimeError) as error:
        return [warn(topic, f"could not be looked at: {error}", "report this")]
