"""``omnitray doctor``: what works here and what does not, one line each, with the remedy.

Runs in its own process and needs neither Qt nor a running instance. Each check looks at one thing
and returns findings; a check that fails itself is a finding too.
"""

import os
from collections.abc import Callable, Iterable, Mapping

from omnitray.base.paths import Paths
from omnitray.cli.doctor import channels, desktop, system
from omnitray.cli.doctor.report import Finding, warn

Check = Callable[[], Iterable[Finding]]


def run(
    paths: Paths, levers: Check | None = None, environ: Mapping[str, str] | None = None
) -> list[Finding]:
    """Every finding; ``levers`` is the protector's own look at its means, where there is one."""
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
        ("channels", lambda: channels.channels(paths)),
    ]
    if levers is not None:
        checks.append(("levers", levers))
    return [finding for topic, check in checks for finding in _findings(topic, check)]


def _findings(topic: str, check: Check) -> list[Finding]:
    try:
        return list(check())
    except (OSError, ValueError, RuntimeError) as error:
        return [warn(topic, f"could not be looked at: {error}", "report this")]
