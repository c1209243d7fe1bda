"""What a shell completes with what is so now: ``omnitray _values KIND WORD`` prints a value a line.

``WORD`` is the one before: behind the key of a setting stand its values.

A person waits for it at each press of Tab, so it loads neither the parser nor the shapes of the
API; 150 ms are the most, and where nothing answers in time it prints nothing. Shells split what is
printed at spaces, and bash expands it: a value is made of harmless letters alone. A job whose name
has others, or whose name another job has too, is named by its pid.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from omnitray.base.paths import find_paths
from omnitray.client.http import NotRunning, RequestFailed, find_remote

ENTRY = "_values"
_HARMLESS = re.compile(r"\w[\w.:@%+,=/-]*", re.ASCII)  # nothing that any shell expands
_PATIENCE_S = 1.0  # a program that is slower than this has other worries than a Tab


class _Named(msgspec.Struct, frozen=True):
    """Of the objects of the API what a value is made of."""

    id: str = ""
    name: str = ""
    action_id: str = ""
    job_key: str = ""
    leader_pid: int = 0
    state: str = ""


class _Listed(msgspec.Struct, frozen=True):
    """Whatever list an answer has."""

    alerts: tuple[_Named, ...] = ()
    jobs: tuple[_Named, ...] = ()
    held: tuple[_Named, ...] = ()
    questions: tuple[_Named, ...] = ()
    servers: tuple[_Named, ...] = ()
    webhooks: tuple[_Named, ...] = ()


def _get(path: str, **query: object) -> _Listed:
    remote = find_remote(find_paths())
    remote.timeout_s = _PATIENCE_S
    return remote.get(path, _Listed, **query)


def _alerts(_before: str) -> Iterable[str]:
    found = _get("/alerts", limit=100).alerts
    return (each.id for each in found if each.state != "resolved")


def _jobs(_before: str) -> Iterable[str]:
    found = _get("/jobs").jobs
    named = Counter(each.name for each in found)
    alone = {name for name, number in named.items() if number == 1 and _HARMLESS.fullmatch(name)}
    return (each.name if each.name in alone else str(each.leader_pid) for each in found)


def _actions(_before: str) -> Iterable[str]:
    return ("all", *(each.action_id for each in _get("/actions").held))


def _questions(_before: str) -> Iterable[str]:
    return (each.id for each in _get("/questions").questions)


def _servers(_before: str) -> Iterable[str]:
    return (each.name for each in _get("/servers").servers)


def _webhooks(_before: str) -> Iterable[str]:
    return (each.name for each in _get("/webhooks").webhooks)


def _settings(before: str) -> Iterable[str]:
    """Keys; behind a key what it takes, as far as that can be listed."""
    from omnitray.settings.model import BY_KEY, ValueKind, default_of  # noqa: PLC0415 - here alone

    field = BY_KEY.get(before)
    if field is None:
        return BY_KEY
    if field.kind is ValueKind.BOOL:
        return ("true", "false", "default")
    if field.kind in {ValueKind.INT, ValueKind.NUMBER}:
        return (f"{default_of(before):g}", "default")
    return (*field.choices, "default")


KINDS: dict[str, Callable[[str], Iterable[str]]] = {
    "alerts": _alerts,
    "jobs": _jobs,
    "actions": _actions,
    "questions": _questions,
    "servers": _servers,
    "webhooks": _webhooks,
    "settings": _settings,
}


def main(words: list[str]) -> int:
    """Print the values of a kind; nothing where nothing is known."""
    kind, before = (*words, "", "")[:2]
    found = KINDS.get(kind)
    try:
        values = list(found(before)) if found is not None else []
    except (NotRunning, RequestFailed, OSError):
        values = []
    sys.stdout.write("".join(f"{value}\n" for value in values if _HARMLESS.fullmatch(value)))
    return 0
