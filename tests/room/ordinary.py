"""Ordinary work on the armed program: builds, tests, a browser, installs; every pop-up is listed.

    dev.py test --room ordinary [--minutes 30]

A notification service in the room's session takes what would be shown. Each is compared with what
was so at that moment: memory in use, how busy the processors were, what was really done, what the
kernel ended. None may be false, and nothing may be paused or ended: nothing in there leaks.
"""

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from room import starts
from room.room import Room
from support.notification_server import NotificationServer, Received

NAME, TITLE = "ordinary", "Ordinary work: builds, tests, a browser, installs, git, a REPL"
SIZE_BYTES, MOST_THREADS = 4 << 30, 6000
_SETTINGS = 'mode = "dev"\n[api]\nport = 0\n[monitor]\ngrace_s = 0\n'
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow send_destination="*"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""  # the service that listens runs outside, as root
_BUSY_PERCENT, _USED_PERCENT = 80.0, 70.0  # under these a word about them would be false


class Moment(msgspec.Struct, frozen=True):
    """What was so at one second of the room."""

    at_s: float
    used_percent: float
    busy_percent: float
    others_percent: float


class PopUp(msgspec.Struct, frozen=True):
    """What was shown, what was so, and what is wrong with it."""

    at_s: float
    text: str
    figures: str
    wrong: str


class Work:
    """What a person does all day, on threads of its own, until it is to end."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._ends = threading.Event()
        self.done: dict[str, int] = {}
        kinds: dict[str, tuple[Callable[[], str], float]] = {
            "builds": (self._build, 5.0),
            "test runs": (self._tests, 8.0),
            "pages opened": (self._page, 20.0),
            "installs": (self._install, 25.0),
            "commits": (self._commit, 12.0),
            "lines typed into a REPL": (self._line, 10.0),
            "tables of 400 MB": (self._table, 30.0),
        }
        self._threads = [
            threading.Thread(target=self._go_on, args=(name, *kind), daemon=True)
            for name, kind in kinds.items()
        ]

    def start(self) -> None:
        """Make the projects, and begin."""
        room = self._room
        starts.write_project(room, files=60)
        starts.write_suite(room)
        room.run("mkdir -p repo && cd repo && git init -q . && git config user.email a@b.c")
        room.run("cd repo && git config user.name a && cp -r ../cproject src && git add . ")
        self._window = room.type("repl", "/usr/bin/python3")
        starts.browser(4)(room)
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """No more of it; what runs comes to its end."""
        self._ends.set()
        for each in self._threads:
            each.join(timeout=120.0)

    def _go_on(self, name: str, once: Callable[[], str], pause_s: float) -> None:
        while not self._ends.is_set():
            command = once()
            if command:
                try:
                    self._room.run(command, "work", timeout_s=300)
                except subprocess.TimeoutExpired:
                    self._room.notes.append(f"{name}: one did not end within five minutes")
            self.done[name] = self.done.get(name, 0) + 1
            self._ends.wait(pause_s)

    def _build(self) -> str:
        return "rm -f cproject/*.o; make -s -j4 -C cproject"

    def _tests(self) -> str:
        return f"{self._room.tools}/venv/bin/python -m pytest -q -n 2 -p no:cacheprovider suite"

    def _page(self) -> str:
        page = self._room.home / "page.html"
        opened = self.done.get("pages opened", 0) % 12
        return starts.CHROMIUM.format(home=self._room.home) + f" 'file://{page}?new{opened}'"

    def _install(self) -> str:
        return "/usr/bin/python3 -m venv --clear env && env/bin/pip install -q rich"

    def _commit(self) -> str:
        return "cd repo && date >> src/log && git add -A && git commit -qm x && git log | wc -l"

    def _line(self) -> str:
        self._room.keys(self._window, "sum(n * n for n in range(10 ** 6))")
        return ""

    def _table(self) -> str:
        return f"{self._room.tools}/venv/bin/python {self._room.program('table.py')}"


def run(tools: Path, minutes: float, free_display: int, screen: Callable[..., None]) -> list[str]:
    """The list of what was shown, and last what was wrong (nothing: ``right``)."""
    room = Room(NAME, SIZE_BYTES, MOST_THREADS, _SETTINGS, tools, free_display)
    try:
        screen(room, free_display)
        address = f"unix:path={room.folder}/xdg/bus"
        room.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        configured = room.folder / "bus.conf"
        configured.write_text(_BUS.format(address=address))
        room.start("session", f"/usr/bin/dbus-daemon --config-file={configured} --nofork")
        room.wait((room.folder / "xdg/bus").exists, 20)
        with NotificationServer(address) as server:
            return _lived(room, server, minutes)
    finally:
        room.end()


def _lived(room: Room, server: NotificationServer, minutes: float) -> list[str]:
    began_s = time.perf_counter() - room.now_s
    room.start_omnitray()
    time.sleep(8.0)
    work = Work(room)
    work.start()
    moments = list(_moments(room, minutes * 60.0))
    work.stop()
    steps = [
        f"{line['rung']} {line['title']}" for line in room.journal() if line["event"] == "begin"
    ]
    shown = [_judged(room, each, each.at_s - began_s, moments, steps) for each in server.received]
    taken = sum(each.others_percent for each in moments) / max(1, len(moments))
    used = [each.used_percent for each in moments]
    taken_by_others = f"others outside took {taken:.0f} % of the processors"
    lines = [
        f"{minutes:.0f} minutes: "
        + ", ".join(f"{count} {what}" for what, count in work.done.items()),
        f"memory {min(used):.0f} to {max(used):.0f} % of {SIZE_BYTES >> 30} GB; {taken_by_others}",
        f"OmniTray {_own(room):.1f} % of a core",
        *room.notes,
        *(f"done: {each}" for each in steps),
        f"{len(shown)} pop-ups",
        *(
            f"{each.at_s:5.0f} s  {each.text}  [{each.figures}]  {each.wrong or 'true'}"
            for each in shown
        ),
    ]
    wrong = [each.wrong for each in shown if each.wrong]
    wrong += [f"done without need: {each}" for each in steps if re.match(r"pause|end", each)]
    return [*lines, f"WRONG: {'; '.join(wrong)}" if wrong else "right"]


def _moments(room: Room, seconds: float) -> list[Moment]:
    moments, began_s = [], room.now_s
    own, whole, at_s = *room.cpu_s(), room.now_s
    cores = os.cpu_count() or 1
    while room.now_s - began_s < seconds:
        time.sleep(1.0)
        (own_now, whole_now), now_s = room.cpu_s(), room.now_s
        gap = (now_s - at_s) * cores / 100.0
        busy, ours = (whole_now - whole) / gap, (own_now - own) / gap
        moments.append(Moment(now_s, room.used_percent(), busy, busy - ours))
        own, whole, at_s = own_now, whole_now, now_s
    return moments


def _judged(
    room: Room, each: Received, at_s: float, moments: list[Moment], steps: list[str]
) -> PopUp:
    """Whether it was so: the highest of the fifteen seconds before counts."""
    near = [moment for moment in moments if at_s - 15.0 <= moment.at_s <= at_s + 1.0] or moments
    used, busy = (
        max(getattr(one, name) for one in near) for name in ("used_percent", "busy_percent")
    )
    others = sum(one.others_percent for one in near) / len(near)
    text = f"{each.title}: {each.body}".replace("\n", " ")[:300]
    figures = f"memory {used:.0f} %, processors {busy:.0f} %, of that others {others:.0f} %"
    return PopUp(at_s, text, figures, _wrong(room, text, used, busy, steps))


def _wrong(room: Room, text: str, used: float, busy: float, steps: list[str]) -> str:
    if re.match(r"CPU ", text):
        return "" if busy >= _BUSY_PERCENT else f"FALSE: the processors took {busy:.0f} %"
    if re.match(r"(Paused|Ended|Slowed down) ", text):
        return "" if steps else "FALSE: nothing was done"
    if "kernel ended" in text.lower():
        return "" if room.kernel_ends() else "FALSE: the kernel ended nothing in here"
    if "emory" in text:
        return "" if used >= _USED_PERCENT else f"FALSE: {used:.0f} % of memory was in use"
    return "FALSE: it says nothing that can be seen here"


def _own(room: Room) -> float:
    return sum(percent for _, percent in room.own_cpu) / max(1, len(room.own_cpu))
