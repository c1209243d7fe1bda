"""What happens in the rooms, and what a person would want of it.

A scenario prepares innocents, lets a cause loose and says who may be acted on how far. Roles are
those of the room; what is not allowed must not be.
"""

from collections.abc import Callable, Iterable

import msgspec

from room import starts
from room.room import Room
from room.starts import GUNICORN, UVICORN

GB = 1 << 30
SLOW, PAUSE, END = "slow_down", "pause", starts.END


def _nothing_else(_: Room, __: float) -> Iterable[str]:
    return ()


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One room and its verdict.

    ``allowed`` are the steps that a role may see; ``wanted`` are steps one of which must be taken
    on the cause (none: nobody is to be paused or ended). ``lives`` must be alive at the end,
    ``said`` must occur in an alert, ``display`` wants a screen. ``finishes`` is a role that must
    come to its own end, and the room with it. Where it ``goes_first`` the room
    gets its processors before what runs outside, and the kernel does not schedule by session in
    there, as Debian's does not. ``judge`` says what else is wrong: it gets the room
    and when the cause was let loose.
    """

    name: str
    title: str
    cause: Callable[[Room], None]
    prepare: Callable[[Room], None]
    allowed: dict[str, tuple[str, ...]] = {}
    wanted: tuple[str, ...] = ()
    lives: tuple[str, ...] = ("innocent",)
    said: str = ""
    mode: str = "dev"
    size_bytes: int = 2 * GB
    most_threads: int = 2000
    seconds: float = 30.0
    settings: str = ""
    display: bool = False
    needs: tuple[str, ...] = ()  # programs beside those of the room
    finishes: str = ""
    goes_first: bool = False
    judge: Callable[[Room, float], Iterable[str]] = _nothing_else


_HOG_ALLOWED: dict[str, tuple[str, ...]] = {"cause": (SLOW, PAUSE, END)}
SCENARIOS = (
    Scenario(
        name="hog",
        title="A job typed at a prompt leaks beside a steady one and a REPL",
        prepare=starts.repl,
        cause=starts.hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
    Scenario(
        name="fast-hog",
        title="The same at 500 MB/s",
        prepare=starts.repl,
        cause=starts.fast_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
    Scenario(
        name="stranger",
        title="Another user's hog beside a steady job",
        prepare=starts.repl,
        cause=starts.strangers_hog,
        lives=("innocent", "repl"),
        said="belongs to another user",
    ),
    Scenario(
        name="pool-worker",
        title="One worker of a multiprocessing.Pool grows",
        prepare=starts.innocent,
        cause=starts.pool("workers"),
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
    ),
    Scenario(
        name="pool-parent",
        title="The parent of a multiprocessing.Pool grows",
        prepare=starts.innocent,
        cause=starts.pool("parent"),
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
    ),
    Scenario(
        name="loader",
        title="A data loader's workers share 500 MB; another job leaks",
        prepare=starts.shared_pool,
        cause=starts.hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "loader"),
        size_bytes=3 * GB,
    ),
    Scenario(
        name="xdist",
        title="A worker of pytest-xdist leaks in test mode",
        prepare=starts.innocent,
        cause=starts.suite,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        mode="test",
        seconds=45,
    ),
    Scenario(
        name="jest",
        title="A worker of jest leaks",
        prepare=starts.innocent,
        cause=starts.jest,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        needs=("js/node_modules/jest",),
    ),
    Scenario(
        name="gunicorn",
        title="One of eight gunicorn workers leaks",
        prepare=starts.served(f"gunicorn -w 8 -b 127.0.0.1:{GUNICORN} app:wsgi", GUNICORN),
        cause=starts.leak_at(GUNICORN),
        allowed={"server": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "server"),
    ),
    Scenario(
        name="uvicorn",
        title="One of four uvicorn workers leaks",
        prepare=starts.served(f"uvicorn --workers 4 --port {UVICORN} app:asgi", UVICORN),
        cause=starts.leak_at(UVICORN),
        allowed={"server": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "server"),
    ),
    Scenario(
        name="prefork",
        title="A server has forty workers; another job leaks",
        prepare=starts.prefork,
        cause=starts.hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "server"),
    ),
    Scenario(
        name="redis",
        title="A database grows",
        prepare=starts.redis,
        cause=starts.fill_redis,
        allowed={"client": (SLOW, PAUSE)},
        lives=("innocent", "database"),
        said="a database",
        seconds=40,
    ),
    Scenario(
        name="qemu",
        title="A virtual machine runs; another job leaks",
        prepare=starts.machine,
        cause=starts.hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "machine"),
        needs=("/usr/bin/qemu-system-x86_64",),
    ),
    Scenario(
        name="make",
        title="make -j16 of 120 files",
        prepare=starts.innocent,
        cause=starts.build,
        allowed={"build": (SLOW,)},
        seconds=30,
    ),
    Scenario(
        name="agent",
        title="What an agent has started leaks",
        prepare=starts.agent,
        cause=starts.nothing,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "agent"),
        seconds=35,
    ),
    Scenario(
        name="numpy",
        title="numpy in a terminal: 200 MB more twice a second",
        prepare=starts.repl,
        cause=starts.numpy,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
    Scenario(
        name="bomb",
        title="A fork bomb, held at 400 processes",
        most_threads=400,
        prepare=starts.repl,
        cause=starts.bomb,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
        seconds=25,
    ),
    Scenario(
        name="repl-grows",
        title="A REPL that is typed into grows",
        prepare=starts.used_repl,
        cause=starts.growing_repl,
        lives=("innocent", "cause"),
        said="typed into",
        seconds=35,
    ),
    Scenario(
        name="player",
        title="A light player beside eight busy loops",
        prepare=starts.player,
        cause=starts.busy,
        judge=starts.is_on_time,
        allowed=_HOG_ALLOWED,
        wanted=(SLOW,),
        lives=("player", "cause"),
        seconds=35,
    ),
    Scenario(
        name="player-alike",
        title="The same where the kernel does not schedule by session",
        prepare=starts.player,
        cause=starts.busy,
        judge=starts.is_later_beside_loops,
        goes_first=True,
        allowed=_HOG_ALLOWED,
        wanted=(SLOW,),
        lives=("player", "cause"),
        seconds=35,
    ),
    Scenario(
        name="browser",
        title="Chromium with thirty tabs; another job leaks",
        prepare=starts.browser(30),
        cause=starts.hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "browser"),
        size_bytes=4 * GB,
        seconds=40,
        display=True,
        needs=("/usr/bin/chromium",),
    ),
    Scenario(
        name="tab",
        title="A tab of the browser in front leaks beside a steady job",
        prepare=starts.browser(3),
        cause=starts.leaking_tab,
        lives=("innocent", "browser"),
        said="hromium",
        size_bytes=3 * GB,
        seconds=40,
        display=True,
        needs=("/usr/bin/chromium",),
    ),
    Scenario(
        name="tabs",
        title="A tab leaks in a browser of a hundred processes beside a steady job",
        prepare=starts.browser(100),
        cause=starts.leaking_tab,
        lives=("innocent", "browser"),
        said="hromium",
        size_bytes=5 * GB,
        most_threads=6000,
        seconds=60,
        display=True,
        needs=("/usr/bin/chromium",),
        judge=starts.has_a_hundred,
    ),
    Scenario(
        name="tab-behind",
        title="A tab of a browser behind another window leaks beside a steady job",
        prepare=starts.browser(3),
        cause=starts.leaking_tab_behind,
        allowed={"browser": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "browser", "front"),
        size_bytes=3 * GB,
        seconds=70,
        display=True,
        needs=("/usr/bin/chromium", "/usr/bin/xterm"),
        judge=starts.window_lives,
    ),
    Scenario(
        name="xdist-twice",
        title="A worker of pytest-xdist leaks twice in a run in prod mode",
        prepare=starts.innocent,
        cause=starts.leaking_twice,
        allowed=_HOG_ALLOWED,
        wanted=(END,),
        mode="prod",
        seconds=170,
        finishes="cause",
        judge=starts.both_ended,
    ),
    Scenario(
        name="postgres",
        title="A query makes a database grow",
        prepare=starts.postgres,
        cause=starts.sort_in_postgres,
        allowed={"client": (SLOW, PAUSE)},
        lives=("innocent", "database"),
        said="a database",
        seconds=40,
        needs=(f"{starts.POSTGRES_BIN}/initdb",),
    ),
    Scenario(
        name="container",
        title="What runs in a container leaks",
        prepare=starts.repl,
        cause=starts.container_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
        needs=("/usr/bin/bwrap",),
    ),
    Scenario(
        name="editor",
        title="A task below the extension host of a VS Code server leaks",
        prepare=starts.editor,
        cause=starts.task_of_the_editor,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "editor", "browser"),
        size_bytes=4 * GB,
        seconds=45,
        display=True,
        needs=("editor/node_modules/code-server", "/usr/bin/chromium"),
    ),
    Scenario(
        name="memory-file",
        title="A script writes a huge file into memory beside a steady job and a REPL",
        prepare=starts.repl,
        cause=starts.memory_file,
        lives=("innocent", "repl", "cause"),
        said="held by no process",
        seconds=40,
    ),
    Scenario(
        name="copy",
        title="A large file is copied: the cache fills",
        prepare=starts.repl,
        cause=starts.large_copy,
        lives=("innocent", "repl", "cause"),
        allowed={"cause": (SLOW,)},
        seconds=35,
        judge=starts.copy_is_removed,
    ),
    Scenario(
        name="limited",
        title="What has a memory limit of its own meets it three times",
        prepare=starts.repl,
        cause=starts.limited_hog,
        lives=("innocent", "repl"),
        seconds=30,
        judge=starts.limit_was_met,
    ),
    Scenario(
        name="max-requests",
        title="The workers of a server leak, and each is replaced after forty requests",
        prepare=starts.worn_server,
        cause=starts.many_requests,
        allowed={"server": (SLOW,), "client": (SLOW,)},
        lives=("innocent", "server"),
        seconds=45,
        judge=starts.workers_were_replaced,
    ),
    Scenario(
        name="large-machine",
        title="A virtual machine takes all the memory that it was given",
        prepare=starts.repl,
        cause=starts.large_machine,
        lives=("innocent", "repl", "cause"),
        said="virtual machine",
        needs=("/usr/bin/qemu-system-x86_64",),
    ),
    Scenario(
        name="jest-all",
        title="All workers of jest grow",
        prepare=starts.innocent,
        cause=starts.jest_all,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        needs=("js/node_modules/jest",),
        seconds=75,
    ),
    Scenario(
        name="two-hogs",
        title="Two jobs leak at once beside a steady one and a REPL",
        prepare=starts.repl,
        cause=starts.two_hogs,
        allowed={**_HOG_ALLOWED, "second": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
)
