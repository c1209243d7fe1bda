"""The plugin at work: what each process of a run does, and what the run's leader reports.

Under xdist every worker has a :class:`.running_test.TestProcess`, and the controller alone has the
:class:`Run`; without xdist one process has both. Facts travel from a worker with its reports, as
``report.omnitray``; outcomes and the exit status are never changed.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.alerts.model import Alert
from omnitray.base.bounded import oom_kills, read_bounded, rose
from omnitray.base.durable import make_folder, write_atomic
from omnitray.base.facts import AlertType, Mode, MonitorLevel
from omnitray.base.process_environment import home
from omnitray.client.websocket import Borrowed
from omnitray.pytest_plugin.failures import (
    ERROR_LIMIT,
    SHOWN,
    Collection,
    Entry,
    FailureGroup,
    Outcomes,
    entries_of,
    group_context,
    group_message,
    group_of,
    group_title,
    is_about_server,
    permission_remedy,
    place_of,
    unnamed,
)
from omnitray.pytest_plugin.reporter import FAULTS, GroupedReport, Reporter
from omnitray.pytest_plugin.running_test import WRONG_KEY, TestProcess, mark_of, own_marks
from omnitray.pytest_plugin.summary import RunSummary, TreeSampler
from omnitray.runs.left_sessions import FOLDER, LeftSession, note_session, take_left
from omnitray.runs.records import MOST_BYTES

CRASHED = "CRASHED with signal"  # pytest-forked's words
OF_ONE_TEST = frozenset({"nodeid", "phase", "error", "file", "line"})  # in a group, of its first
ERROR_NAME = 80  # characters of a test's name beside a run's charts


def register(config: pytest.Config) -> None:
    """Register what this process has to do."""
    given: Mapping[str, str] = getattr(config, "workerinput", {})
    slow = config.getoption("omnitray_slow") or config.getini("omnitray_slow") or None
    project = str(config.rootpath)
    reporter = Reporter()
    left = [] if given else _died(reporter)  # before the marks of what has ended are swept
    run_id = given.get("omnitray_run") or _next_run(reporter, project)
    marks = Path(given.get("omnitray_marks") or own_marks(reporter.paths.state / FOLDER))
    facts = {"run": run_id, "project": project, "worker": given.get("workerid", "main")}
    process = TestProcess(reporter, facts, marks, float(slow) if slow else None)
    collection = Collection(config)
    config.pluginmanager.register(process, "omnitray-process")
    config.pluginmanager.register(collection, "omnitray-collection")
    if not given:
        run = Run(config, reporter, facts, marks, collection)
        process.sampler = run.sampler
        config.pluginmanager.register(run, "omnitray-run")
        run.report_died(left)  # at once: the session may not begin (--help), and the notes are gone
    server = config.getoption("omnitray_server") or config.getini("omnitray_server")
    if server:
        _register_server(config, server, reporter, {**facts, "marks": str(marks)})


def _died(reporter: Reporter) -> list[LeftSession]:
    """The sessions before this one that ended without their end."""
    with reporter.guard:
        return list(take_left(reporter.paths.state))
    return []


def _register_server(
    config: pytest.Config, server: str, reporter: Reporter, facts: dict[str, str]
) -> None:
    from omnitray.pytest_plugin import borrowed_server  # noqa: PLC0415 - only with one
    from omnitray.pytest_plugin.server import ServerProbe, ServerUnderTest  # noqa: PLC0415

    plugin: ServerProbe
    if facts["worker"] == "main":
        health = config.getoption("omnitray_health") or config.getini("omnitray_health") or None
        plugin = borrowed_server.leader_of(server, health, reporter, config.rootpath, facts)
    else:
        plugin = ServerProbe(ServerUnderTest(Path(facts["marks"])), reporter)
    config.pluginmanager.register(plugin, "omnitray-server")


def _next_run(reporter: Reporter, project: str) -> str:
    """The number of this run of the project, counted in ``data/pytest_runs.json``."""
    path = reporter.paths.data / "pytest_runs.json"
    try:
        counts = msgspec.json.decode(read_bounded(path, MOST_BYTES), type=dict[str, int])
    except (*FAULTS, FileNotFoundError):
        counts = {}
    counts[project] = counts.get(project, 0) + 1
    try:
        make_folder(path.parent)
        write_atomic(path, msgspec.json.encode(counts))
    except FAULTS as error:
        reporter.problem = f"{error}"
    return str(counts[project])


def short(project: str) -> str:
    """The project's folder as a person writes it."""
    own = str(home())
    return f"~{project[len(own) :]}" if project.startswith(f"{own}/") else project


class Run:
    """The run as a whole: its leases, its alerts, and the lines at its end."""

    def __init__(
        self,
        config: pytest.Config,
        reporter: Reporter,
        facts: dict[str, str],
        marks: Path,
        collection: Collection,
    ) -> None:
        self._config = config
        self._reporter = reporter
        self._facts = facts
        self._marks = marks
        self._lease: Borrowed | None = None
        self._collection = collection
        self._outcomes = Outcomes(collection)
        self._groups: dict[str, FailureGroup] = {}
        self._open_before: list[Alert] | None = None
        self._crashed: set[str] = set()
        self._tests: set[str] = set()
        name = f"Tests fail in {short(facts['project'])}"
        self._plain = FailureGroup(type=AlertType.TEST_FAILED, name=name, facts={})
        self._grouped = GroupedReport(lambda: self._send(self._plain), reporter.guard)
        self.sampler = TreeSampler(reporter)
        self._summary = RunSummary(reporter, self.sampler)
        self._kills_before = oom_kills()

    @property
    def name(self) -> str:
        """``pytest · ~/shop · run 3``."""
        return f"pytest · {short(self._facts['project'])} · run {self._facts['run']}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Borrow the level and the mode of a test run; measure from now on."""
        with self._reporter.guard:
            client = self._reporter.client
            lease = client.borrow(level=MonitorLevel.INTENSIVE, mode=Mode.TEST, by=self.name)
            lease.take()
            self._lease = lease
        with self._reporter.guard:
            self.sampler.start()
        with self._reporter.guard:
            note_session(self._marks, self._facts["run"], self._facts["project"], self.name)

    def report_died(self, died: list[LeftSession]) -> None:
        """Raise an alert about each session that ended without its end."""
        with self._reporter.guard:
            for each in died:
                why = each.why
                facts = each.context(why)
                self._reporter.report(each.key, AlertType.CRITICAL, *each.words(why), facts)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist which run it belongs to."""
        node.workerinput["omnitray_run"] = self._facts["run"]
        node.workerinput["omnitray_marks"] = str(self._marks)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what went wrong in a worker of xdist."""
        wrong = getattr(node, "workeroutput", {}).get(WRONG_KEY, "")
        self._summary.wrong_elsewhere = self._summary.wrong_elsewhere or wrong

    def pytest_runtest_logstart(self) -> None:
        """Between two tests all is as it was: what one of them kept from us works again."""
        self._reporter.deliver_owed()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Follow every test of the run, whichever process it ran in."""
        with self._reporter.guard:
            self._follow(report)

    def _follow(self, report: pytest.TestReport) -> None:
        self._tests.add(report.nodeid)
        self._outcomes.add(report)
        more: dict[str, Any] = getattr(report, "omnitray", {})
        worker = more.get("worker", "main")
        elsewhere = worker != self._facts["worker"]
        self._summary.add(report.nodeid, worker, more, elsewhere=elsewhere)
        if not report.failed or report.nodeid in self._crashed or more.get("timed_out"):
            return
        if not more:  # another plugin made it: pytest-forked, of a test whose process has ended
            self._report_made_elsewhere(report)
            return
        if (denied := more.get("permission")) is not None:
            self._report_denied(report, denied)
            return
        if (server := more.get("server")) is not None:
            self._report_affected(report, server, more)
            return
        self._report_failed(report, more)

    def _report_failed(self, report: pytest.TestReport, more: dict[str, Any]) -> None:
        self._add(self._plain, report, more)
        self._grouped.change()

    def _add(self, group: FailureGroup, report: pytest.TestReport, more: dict[str, Any]) -> None:
        """A test has failed in the way of this group."""
        group = self._groups.setdefault(group.name, group)
        entry = {
            "nodeid": report.nodeid,
            "phase": report.when,
            "worker": more.get("worker", "main"),
            "error": more.get("error", ""),
            **place_of(report),
        }
        group.entries.setdefault(report.nodeid, entry)

    def _report_made_elsewhere(self, report: pytest.TestReport) -> None:
        lines = [line.strip() for line in report.longreprtext.splitlines() if line.strip()]
        error = lines[-1][:ERROR_LIMIT] if lines else ""
        if CRASHED in error:
            self._report_crash(report.nodeid, self._facts["worker"])
        else:
            self._report_failed(report, {"error": error})

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """A worker has ended in the middle of a test: by its time limit, or by a signal."""
        with self._reporter.guard:
            self._follow_crash(crashitem, report)

    def _follow_crash(self, crashitem: str, report: Any) -> None:
        self._crashed.add(crashitem)
        self._outcomes.failed.add(crashitem)
        worker = getattr(getattr(report, "node", None), "gateway", None)
        name = getattr(worker, "id", "") or self._facts["worker"]
        if mark_of(self._marks, crashitem).with_suffix(".due").exists():
            if not self._reporter.has_open(AlertType.TEST_TIMEOUT, self._facts["run"], crashitem):
                self._reporter.report(
                    f"timeout:{crashitem}",
                    AlertType.TEST_TIMEOUT,
                    f"Test timed out: {crashitem}",
                    "The test reached its limit, and its worker ended before it could report it.",
                    {**self._facts, "worker": name, "nodeid": crashitem, "error": "Timeout"},
                )
            return
        self._report_crash(crashitem, name)

    def _report_crash(self, nodeid: str, worker: str) -> None:
        who = self._who_killed()
        self._reporter.report(
            f"crash:{nodeid}",
            AlertType.CRITICAL,
            f"Test worker crashed: {nodeid}",
            f"A worker of {self.name} ended during this test{who}.",
            {
                **self._facts,
                "worker": worker,
                "nodeid": nodeid,
                "phase": "call",
                "error": f"worker crashed{who}",
            },
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Send what is left, end what is over, and give back what was borrowed."""
        with self._reporter.guard:
            self._grouped.close()
            self._reporter.deliver_owed(at_once=True)
            self._settle(all_green=exitstatus == pytest.ExitCode.OK and bool(self._tests))
            self._tell_the_run()
        with self._reporter.guard:
            if self._lease is not None:
                self._lease.give_back()
        with self._reporter.guard:
            self.sampler.stop()

    def _tell_the_run(self) -> None:
        """Leave the counts for ``omnitray run``, where that has started us."""
        if not (run := os.environ.get("OMNITRAY_RUN")) or "/" in run:
            return
        of_tests = [each for each in self._groups.values() if each.type is AlertType.TEST_FAILED]
        failed = [nodeid for group in of_tests for nodeid in group.entries]
        names = [nodeid.rpartition("::")[2][:ERROR_NAME] for nodeid in failed[:SHOWN]]
        counts = {"failed": len(failed), "total": len(self._tests), "names": names}
        folder = self._reporter.paths.data / "runs"
        make_folder(folder)
        write_atomic(folder / f"{run}.tests", msgspec.json.encode(counts))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """At most three lines."""
        with self._reporter.guard:
            self.sampler.look()
        with self._reporter.guard:
            followed: Any = self._config.pluginmanager.get_plugin("omnitray-server")
            for line in self._summary.lines(followed):
                terminalreporter.write_line(f"omnitray: {line}")

    def pytest_unconfigure(self) -> None:
        """Remove the marks."""
        shutil.rmtree(self._marks, ignore_errors=True)

    def _send(self, group: FailureGroup) -> None:
        """Report a group, with what earlier runs have found and this one has not seen pass."""
        entries = [*list(group.entries.values()), *self._left_of_earlier(group)]
        facts = {**self._facts, **group.facts, "group": group.name}
        context = group_context(facts, entries)
        title, message = self._words(group.type, context)
        self._reporter.report(group.name, group.type, title, message, context)

    def _words(self, type_: AlertType, context: Mapping[str, Any]) -> tuple[str, str]:
        title = group_title(type_, context, short(self._facts["project"]))
        return title, group_message(type_, context)

    def _left_of_earlier(self, group: FailureGroup) -> list[Entry]:
        if self._open_before is None:
            self._open_before = self._reporter.open_of(self._facts["project"])
        return [
            entry
            for alert in self._open_before
            if (alert.type, group_of(alert)) == (group.type, group.name)
            for entry in self._left(alert)
            if entry["nodeid"] not in group.entries
        ]

    def _left(self, alert: Alert) -> list[Entry]:
        """The tests that an alert still names. One that fails in another way now has moved on."""
        here = self._groups.get(group_of(alert))
        elsewhere = [each for each in list(self._groups.values()) if each is not here]
        is_group = "failed" in alert.context
        return [
            entry
            for entry in entries_of(alert)
            if not self._outcomes.is_over(entry["nodeid"])
            and not (is_group and any(entry["nodeid"] in each.entries for each in elsewhere))
        ]

    def _settle(self, *, all_green: bool) -> None:
        """End or shorten the project's alerts by what this run has seen pass: see ``failures``."""
        server: Any = self._config.pluginmanager.get_plugin("omnitray-server")
        for alert in self._reporter.open_of(self._facts["project"]):
            if is_about_server(alert):
                if server is not None and server.was_up(alert.context["server"]):
                    self._reporter.end(alert)
                continue
            left = self._left(alert)
            more = 0 if all_green and self._collection.is_whole else unnamed(alert)
            if not left and not more:
                self._reporter.end(alert)
            elif left and len(left) + more != len(entries_of(alert)) + unnamed(alert):
                facts = {key: alert.context[key] for key in alert.context.keys() - OF_ONE_TEST}
                facts["group"] = group_of(alert)
                context = group_context(facts, left, more)
                self._reporter.update(alert, *self._words(alert.type, context), context)

    def _report_affected(
        self, report: pytest.TestReport, server: str, more: dict[str, Any]
    ) -> None:
        """A test that failed while its server was down: its alert is explained by the server's."""
        group = FailureGroup(
            type=AlertType.TEST_FAILED,
            name=f"Tests fail without their server {server}",
            facts={"server": server},
        )
        self._add(group, report, more)
        self._send(self._groups[group.name])

    def _report_denied(self, report: pytest.TestReport, denied: dict[str, Any]) -> None:
        path = denied.get("path") or "something"
        facts = {key: value for key, value in denied.items() if key != "errno"}
        facts["reason"] = denied["errno"]
        facts["remedy"] = permission_remedy(path, denied)
        name = f"Not permitted: {path}"
        if denied.get("missing"):
            name = f"Permission error, and no such file: {path}"
        group = FailureGroup(type=AlertType.PERMISSION_ERROR, name=name, facts=facts)
        self._add(group, report, getattr(report, "omnitray", {}))
        self._send(self._groups[group.name])

    def _who_killed(self) -> str:
        """Who ended a worker, where that is known."""
        before, now = self._kills_before, oom_kills()
        if rose(before, now):
            self._kills_before = now
            return ": the kernel ran out of memory and killed a process at that time"
        return ""
