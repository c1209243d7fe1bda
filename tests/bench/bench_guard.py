"""The guard and the hands: what a reading costs, what an action costs, what the guardian weighs."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omnitray.base.clock import SystemClock
from omnitray.base.facts import ProcessIdentity, Resource
from omnitray.base.policy import ProtectPolicy
from omnitray.platforms import current
from omnitray.platforms.watchdog import WatchdogKeeper
from omnitray.protector.actuators.actuator import Target
from omnitray.protector.actuators.executor import ActionPerformer
from omnitray.protector.actuators.journal import ActionJournal
from omnitray.protector.actuators.results import ActionRequest
from omnitray.protector.guard import Guard
from omnitray.protector.latency import LatencyProbe
from omnitray.protector.model import EscalationStep
from support.bench import Row, Spread, spread, table, within

REST_S = 60.0
READINGS = 5_000
ACTIONS = 30
KILLS = 10
WORKERS = 8
DRIVER = Path(__file__).parents[1] / "support" / "paused_driver.py"
SLEEP = "import os, time; [os.fork() for _ in range(3)]; print(flush=True); time.sleep(600)"


def main() -> None:
    """Print the section."""
    print("## Guard, levers and guardian\n")
    print(table([*_reading(), *_rest(), *_probe(), *_acting(), *_dying()]))


def _reading() -> list[Row]:
    source = current().guard_source()
    cost = spread(_timed(source.read) for _ in range(READINGS))
    source.close()
    us = cost.scaled(1e6)
    return [within("one reading of the guard", us.median, 100, "µs", told=us.told("µs"))]


def _timed(do: object) -> float:
    assert callable(do)
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _rest() -> list[Row]:
    """The guard's own loop with nobody in need: readings at the pace that headroom asks for."""
    source, guard, policy = current().guard_source(), Guard(), ProtectPolicy()
    began, used, readings, scans = time.monotonic(), time.process_time(), 0, 0
    while (left := REST_S - (time.monotonic() - began)) > 0:
        reading = source.read()
        if reading is None:
            break
        step = guard.observe(reading, policy)
        readings, scans = readings + 1, scans + step.wants_scan
        time.sleep(min(step.delay_s, left))
    percent = 100.0 * (time.process_time() - used) / REST_S
    source.close()
    told = f"{percent:.3f} % ({readings} readings, {scans} scans asked for)"
    return [
        within(f"the guard at rest over {REST_S:.0f} s, of one core", percent, 0.1, "%", told=told)
    ]


def _probe() -> list[Row]:
    probe = LatencyProbe(time.monotonic, time.thread_time, time.sleep)
    used = time.process_time()
    took = spread(_timed(probe.measure) for _ in range(20)).scaled(1e3)
    used_ms = (time.process_time() - used) / 20 * 1e3
    return [Row("one look of the latency probe", f"{took.told('ms')}, {used_ms:.1f} ms of CPU")]


@contextmanager
def _job() -> Iterator[int]:
    command = [sys.executable, "-I", "-S", "-c", SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        for _ in range(WORKERS):
            leader.stdout.readline()
        try:
            yield leader.pid
        finally:
            os.killpg(leader.pid, signal.SIGKILL)


def _acting() -> list[Row]:
    """Actions on a job of eight processes, each done and undone."""
    system = current().system()
    rows = []
    with tempfile.TemporaryDirectory(prefix="omnitray-bench-") as name, _job() as leader:
        path = Path(name) / "actions.jsonl"
        keeper = WatchdogKeeper(path)
        actions = ActionPerformer(
            ActionJournal(path), current().actuators(system), system, SystemClock(), keeper
        )
        processes = system.family(system.identify([leader]))
        for what, step, resource in (
            ("slowing down", EscalationStep.SLOW_DOWN, Resource.CPU),
            ("I/O to idle", EscalationStep.SLOW_DOWN, Resource.DISK),
            ("pausing", EscalationStep.PAUSE, Resource.MEMORY),
        ):
            done, undone, lever = _both_ways(actions, processes, step, resource)
            told = f"{done.told('ms')}; back {undone.median:.1f} ms"
            rows.append(Row(f"{what} a job of {len(processes)} processes ({lever})", told))
        rows.append(_watchdog_row(actions, keeper, processes))
        actions.undo_all("measured")
        keeper.close()
    return rows


def _both_ways(
    actions: ActionPerformer,
    processes: tuple[ProcessIdentity, ...],
    step: EscalationStep,
    resource: Resource,
) -> tuple[Spread, Spread, str]:
    done, undone, lever = [], [], ""
    for _ in range(ACTIONS):
        began = time.perf_counter()
        (performed,) = actions.perform(_order(processes, step, resource))
        done.append(time.perf_counter() - began)
        lever = str(performed.lever)
        began = time.perf_counter()
        actions.undo(performed.action_id, "measured")
        undone.append(time.perf_counter() - began)
        time.sleep(0.15)  # the kernel takes one autogroup change in a tenth of a second
    return spread(done).scaled(1e3), spread(undone).scaled(1e3), lever


def _order(
    processes: tuple[ProcessIdentity, ...], step: EscalationStep, resource: Resource
) -> ActionRequest:
    target = Target(job_key="bench", title="a bench", processes=processes)
    return ActionRequest(target=target, step=step, resource=resource, reason="a bench")


def _watchdog_row(
    actions: ActionPerformer, keeper: WatchdogKeeper, processes: tuple[ProcessIdentity, ...]
) -> Row:
    actions.perform(_order(processes, EscalationStep.PAUSE, Resource.MEMORY))
    time.sleep(0.5)
    text = Path(f"/proc/{keeper.pid}/smaps_rollup").read_text()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    own = sizes["Private_Clean"] + sizes["Private_Dirty"]
    told = f"{sizes['Rss'] / 1024:.1f} MB, of its own {own / 1024:.1f} MB"
    return within("the guardian's resident memory", sizes["Rss"] / 1024, 15, "MB", told=told)


def _dying() -> list[Row]:
    """``kill -9`` of a program that has paused a job, until all of it runs again."""
    took = spread(_kill() for _ in range(KILLS))
    ms = took.scaled(1e3)
    return [
        within(
            "killed while a job is paused → it runs again", ms.worst, 2000, "ms", told=ms.told("ms")
        )
    ]


def _kill() -> float:
    with tempfile.TemporaryDirectory(prefix="omnitray-bench-") as name, _job() as leader:
        family = current().system().family(current().system().identify([leader]))
        pids = [each.pid for each in family]
        command = [sys.executable, str(DRIVER), f"{name}/actions.jsonl", str(leader)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as driver:
            assert driver.stdout is not None
            watchdog = int(driver.stdout.readline())
            assert all(_state(pid) == "T" for pid in pids)
            began = time.perf_counter()
            driver.kill()
            while any(_state(pid) == "T" for pid in pids):
                time.sleep(0.0005)
            took = time.perf_counter() - began
        while Path(f"/proc/{watchdog}").exists():  # its last line is still to be written
            time.sleep(0.01)
    return took


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
