"""Which tests fail and with what error, and when an alert that names tests is over.

The rule stands here alone: a test leaves its alert when it has run and passed, or when it no
longer exists although its file was collected as a whole; the alert is over when none is left.
A run of some of the tests (``-k``, ``--lf``, one file, ``-x``) says nothing about the others, and
a skipped test was not run.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from omnitray.alerts.model import Alert
from omnitray.base.amounts import count
from omnitray.base.facts import AlertType
from omnitray.pytest_plugin.reporter import encodable

NAMED = 50  # failed tests in an alert's context with their errors and places
SHOWN = 5  # and in its message
IN_TITLE, NAME_IN_TITLE = 2, 40  # tests, and characters of each: a notification shows some 120
# Of what a context may hold (CONTEXT_LIMIT_BYTES): they, and the names of the others. Letters of
# most languages take 2 or 3 bytes, and the name of a parametrized test may be as long as its data.
NAMED_BYTES, ALSO_BYTES, NAME_CHARACTERS = 20_000, 30_000, 2000
WORKER_KEY = "omnitray_collected"
ERROR_LIMIT = 300

Entry = dict[str, Any]
T = TypeVar("T")


class Collection:
    """What this process has collected, before any of it is deselected; filled by hooks."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: set[str] = set()
        self._collected: set[str] = set()  # files and folders
        self._faults: set[str] = set()
        self._deselected = 0

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """A test exists."""
        self._tests.add(item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file, class or folder was read, or could not be."""
        (self._faults if report.failed else self._collected).add(report.nodeid)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """``-k``, ``-m`` and the like leave tests out."""
        self._deselected += len(items)

    def pytest_sessionfinish(self) -> None:
        """A worker of xdist tells the controller; all collect the same, so the first one does."""
        given: Mapping[str, str] = getattr(self._config, "workerinput", {})
        if given.get("workerid") == "gw0":
            output: dict[str, object] = getattr(self._config, "workeroutput", {})
            sets = (self._tests, self._collected, self._faults)
            output[WORKER_KEY] = [*(sorted(each) for each in sets), self._deselected]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker of xdist has collected."""
        found = getattr(node, "workeroutput", {}).get(WORKER_KEY)
        if found is not None:
            self._tests, self._collected, self._faults = map(set, found[:3])
            self._deselected = found[3]

    def lacks(self, nodeid: str) -> bool:
        """Whether the test no longer exists; False where this run cannot know."""
        file = nodeid.partition("::")[0]
        if nodeid in self._tests or not self._covers(self._config.rootpath / file):
            return False
        if not (self._config.rootpath / file).exists():
            return True
        at_fault = any(each == file or each.startswith(f"{file}::") for each in self._faults)
        return file in self._collected and not at_fault

    @property
    def is_whole(self) -> bool:
        """Whether every test of the chosen folders is in this run."""
        return not (self._deselected or self._only_last_failed) and all(
            path.is_dir() for path in self._arguments()
        )

    @property
    def _only_last_failed(self) -> bool:
        return bool(self._config.getoption("lf", default=False))

    def _covers(self, file: Path) -> bool:
        """Whether the run was asked to collect all of the file."""
        return not self._only_last_failed and any(
            file.is_relative_to(path) for path in self._arguments()
        )

    def _arguments(self) -> Iterable[Path]:
        """Files and folders; one with ``::`` names tests and covers no path."""
        folder = self._config.invocation_params.dir
        return [folder / each for each in self._config.args]


class Outcomes:
    """How the tests of this run have ended, over all their phases."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._passed: set[str] = set()
        self.failed: set[str] = set()

    def add(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended. An expected failure is what the project wants."""
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and (report.passed or hasattr(report, "wasxfail")):
            self._passed.add(report.nodeid)

    def is_over(self, nodeid: str) -> bool:
        """Whether an alert need not name this test any longer."""
        if nodeid in self.failed:
            return False
        return nodeid in self._passed or self._collection.lacks(nodeid)


class FailureGroup(msgspec.Struct, kw_only=True):
    """The tests of this run that fail in one way: one alert, the same for all runs by its ``name``.

    ``facts`` are those of the group.
    """

    type: AlertType
    name: str
    facts: dict[str, Any]
    entries: dict[str, Entry] = {}


def group_of(alert: Alert) -> str:
    """The name of the group that an alert is about; of an older one it is the title."""
    return str(alert.context.get("group") or alert.title)


def entries_of(alert: Alert) -> list[Entry]:
    """The tests that an alert names, each with what is known of it."""
    failed, also = alert.context.get("failed"), alert.context.get("also_failed", ())
    if not isinstance(failed, list):
        nodeid = alert.context.get("nodeid")
        return [{"nodeid": nodeid}] if isinstance(nodeid, str) else []
    return [*failed, *({"nodeid": each} for each in also)]


def unnamed(alert: Alert) -> int:
    """How many more failing tests the alert counts than it names."""
    named = len(entries_of(alert))
    return max(0, int(alert.context.get("failed_count", 0 if named else 1)) - named)


def is_about_server(alert: Alert) -> bool:
    """Whether it says something about the server under test, and not about tests."""
    return "server" in alert.context and "failed" not in alert.context


def group_context(facts: Mapping[str, Any], entries: list[Entry], more: int = 0) -> dict[str, Any]:
    """The context of an alert that names these tests; ``more`` are not named."""
    entries = [_shortened(each) for each in entries]
    named = _within(entries[:NAMED], NAMED_BYTES)
    also = _within([each["nodeid"] for each in entries[len(named) :]], ALSO_BYTES)
    found = {
        **{key: facts[key] for key in facts if key != "also_failed"},
        "phase": "",  # not known of one that was only named, as its error
        "error": "",
        **entries[0],
        "failed_count": len(entries) + more,
        "failed": named,
    }
    return {**found, "also_failed": also} if also else found


def _shortened(entry: Entry) -> Entry:
    """A name that was cut is that of no test: the next run of its file ends it, or names it."""
    if len(entry["nodeid"]) > NAME_CHARACTERS:
        entry = {**entry, "nodeid": f"{entry['nodeid'][: NAME_CHARACTERS - 1]}…"}
    found: Entry = encodable(entry)
    return found


def _within(values: list[T], most_bytes: int) -> list[T]:
    """As many of them as can be written in so many bytes."""
    for place, each in enumerate(values):
        most_bytes -= len(msgspec.json.encode(each)) + 1
        if most_bytes < 0:
            return values[:place]
    return values


def group_title(type_: AlertType, context: Mapping[str, Any], project: str) -> str:
    """How many fail, where and which: ``3 tests fail in ~/shop: test_a, test_b and 1 more``."""
    if type_ is AlertType.PERMISSION_ERROR:
        return str(context["group"])
    number, server = int(context["failed_count"]), context.get("server")
    fails = count(number, "test fails", "tests fail")
    names = [_short_name(each["nodeid"]) for each in context["failed"][:IN_TITLE]]
    shown, rest = ", ".join(names), number - len(names)
    if rest:
        shown = f"{shown} and {rest} more"
    if server:
        return f"{fails} while the server {server} is down: {shown}"
    return f"{fails} in {project}: {shown}"


def _short_name(nodeid: str) -> str:
    """Without its file and class; parameters may hold anything."""
    file, _, inside = nodeid.partition("::")
    place, bracket, parameters = inside.partition("[")
    name = f"{place.rpartition('::')[2]}{bracket}{parameters}" or file.rpartition("/")[2]
    return name if len(name) <= NAME_IN_TITLE else f"{name[: NAME_IN_TITLE - 1]}…"


def group_message(type_: AlertType, context: Mapping[str, Any]) -> str:
    """What the alert with this context says."""
    entries, number = context["failed"], int(context["failed_count"])
    fails = count(number, "test fails", "tests fail")
    rest = f"; {number - SHOWN} more" if number > SHOWN else ""
    if type_ is AlertType.PERMISSION_ERROR:
        names = "; ".join(each["nodeid"] for each in entries[:SHOWN]) + rest
        who = f"{names} fails" if number == 1 else f"{fails} ({names})"
        mode, owner, seen = (context.get(each) for each in ("mode", "owner", "seen"))
        facts = f" ({seen} is {mode}, owned by {owner})" if mode else ""
        if context.get("missing"):
            facts = f", which does not exist{facts}"
        path = context.get("path") or "something"
        return f"{who}: {context['reason']}: {path}{facts}. {context['remedy']}"
    named = "; ".join(_with_error(each) for each in entries[:SHOWN]) + rest
    server = context.get("server")
    return f"{fails} while the server {server} is down: {named}" if server else f"{fails}: {named}"


def _with_error(entry: Entry) -> str:
    error = entry.get("error")
    return f"{entry['nodeid']} ({error})" if error else entry["nodeid"]


def first_line(error: BaseException) -> str:
    """``AssertionError: assert 1 == 2``: the error in one line, bounded."""
    text = said_by(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")[:ERROR_LIMIT]


def said_by(error: BaseException) -> str:
    """Its text; empty where it fails in saying it."""
    try:
        return f"{error}"
    except Exception:  # noqa: BLE001 - an error of the project under test, of whatever kind
        return ""


def place_of(report: pytest.TestReport) -> dict[str, Any]:
    """``file`` (as in the node id) and ``line`` where a test fails; ``{}`` where that is not known.

    The last line of the traceback that lies in the test's own file; without one, the test's own.
    """
    file, line, _ = report.location
    name = Path(file).name
    entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", ())
    places = (getattr(each, "reprfileloc", None) for each in entries)
    lines = [each.lineno for each in places if each is not None and Path(each.path).name == name]
    if line is not None:
        lines.insert(0, line + 1)
    return {"file": file, "line": lines[-1]} if lines else {}


def permission_facts(error: BaseException) -> dict[str, Any] | None:
    """Path, mode and owner where a test failed because something is not permitted."""
    each: BaseException | None = error
    seen = 0
    while each is not None and not isinstance(each, PermissionError) and seen < 10:  # noqa: PLR2004
        each, seen = each.__cause__ or each.__context__, seen + 1
    if not isinstance(each, PermissionError):
        return None
    found: dict[str, Any] = {"errno": f"{each.strerror or 'not permitted'}", "path": None}
    if isinstance(each.filename, str | bytes | os.PathLike):
        try:
            found["path"] = os.fsdecode(each.filename)
        except Exception:  # noqa: BLE001 - a path of the project's own making
            return found
        found |= mode_and_owner(Path(found["path"]))
        if os.geteuid() == 0:
            found["as_root"] = True
    return found


def permission_remedy(path: str, denied: Mapping[str, Any]) -> str:
    """What can be done: access to a file that is not there, or for root, would not help."""
    if denied.get("missing"):
        return "It does not exist: look at the path that the test uses, and at what creates it."
    if denied.get("as_root"):
        return (
            "The tests run as root, so its mode is not the reason: look for a read-only mount, "
            "an immutable file or a security module."
        )
    return f"Give the user who runs the tests access to {path}."


def mode_and_owner(path: Path) -> dict[str, Any]:
    """Of the path, or of the nearest folder above it that can be seen.

    ``missing`` is True where the folder can be searched and has no such name: then it is not what
    the path is allowed that the test fails for.
    """
    import pwd  # noqa: PLC0415 - only where something is not permitted

    missing = False
    for place in (path, *path.parents):
        try:
            facts = place.stat()
        except FileNotFoundError:
            missing = True
            continue
        except (OSError, ValueError):  # a name with a zero byte
            continue
        try:
            owner = pwd.getpwuid(facts.st_uid).pw_name
        except KeyError:
            owner = str(facts.st_uid)
        seen = {"seen": str(place), "mode": stat.filemode(facts.st_mode), "owner": owner}
        return {**seen, "missing": True} if missing else seen
    return {}
