"""What happens in the rooms, and what a person would want of it.

A scenario prepares innocents, lets a cause loose and says who may be acted on how far. Roles are
those of the room; what is not allowed must not be.
"""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from room.room import Room

GB = 1 << 30
SLOW, PAUSE, END = "slow_down", "pause", "end"


def _nothing_else(_: Room, __: float) -> Iterable[str]:
    return ()


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One room and its verdict.

    ``allowed`` are the steps that a role may see; ``wanted`` are steps one of which must be taken
    on the cause (none: nobody is to be paused or ended). ``lives`` must be alive at the end,
    ``said`` must occur in an alert, ``display`` wants a screen. ``finishes`` is a role that must
    come to its own end, and the room with it. ``judge`` says what else is wrong: it gets the room
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
    judge: Callable[[Room, float], Iterable[str]] = _nothing_else


def _python(room: Room, program: str, *words: object) -> str:
    return " ".join(("/usr/bin/python3", room.program(program), *map(str, words)))


def _innocent(room: Room) -> None:
    room.type("innocent", _python(room, "steady.py", 300))


def _repl(room: Room) -> None:
    _innocent(room)
    room.type("repl", "/usr/bin/python3 -i -c 'b = bytearray(b\"x\") * (200 << 20)'")


def _hog(room: Room) -> None:
    room.type("cause", _python(room, "hog.py", 2600, 25, 0.25))


def _container_hog(room: Room) -> None:
    words = "--unshare-user --unshare-pid --unshare-ipc --ro-bind / / --dev /dev --proc /proc"
    room.type("cause", f"/usr/bin/bwrap {words} {_python(room, 'hog.py', 2600, 25, 0.25)}")


def _fast_hog(room: Room) -> None:
    room.type("cause", _python(room, "hog.py", 2600, 50, 0.1))


def _strangers_hog(room: Room) -> None:
    room.start("cause", _python(room, "hog.py", 1550, 20, 0.25), 65534)


def _pool(who: str) -> Callable[[Room], None]:
    def cause(room: Room) -> None:
        room.type("cause", _python(room, "pool.py", who))

    return cause


def _shared_pool(room: Room) -> None:
    _innocent(room)
    room.type("loader", _python(room, "pool.py", "shared"))


def _prefork(room: Room) -> None:
    _innocent(room)
    room.start("server", _python(room, "prefork.py"))


def _suite(room: Room) -> None:
    folder = room.home / "shop"
    folder.mkdir(exist_ok=True)
    body = [f"def test_{each}():\n    time.sleep(0.6)\n" for each in range(40)]
    leak = (
        "def test_leak():\n    held = []\n    for _ in range(100):\n"
        "        b = bytearray(25 << 20); b[::4096] = b'1' * len(b[::4096]); held.append(b)\n"
        "        time.sleep(0.2)\n"
    )
    (folder / "test_shop.py").write_text("import time\n" + "\n".join([*body[:8], leak, *body[8:]]))
    room.run(f"cd {folder} && git init -q .")
    room.type(
        "cause", f"{room.tools}/venv/bin/python -m pytest -q -n 4 -p no:cacheprovider {folder}"
    )


def _leaking_twice(room: Room) -> None:
    """The second test leaks once the worker of the first has gone."""
    folder = room.home / "shop"
    folder.mkdir(exist_ok=True)
    lines = [
        *("import os", "import pathlib", "import time", "", "PID = pathlib.Path('first.pid')", ""),
        *("def leak():", "    held = []", "    for _ in range(100):"),
        "        b = bytearray(25 << 20); b[::4096] = b'1' * len(b[::4096]); held.append(b)",
        *("        time.sleep(0.2)", ""),
        *("def test_first():", "    PID.write_text(str(os.getpid()))", "    leak()", ""),
        *("def test_second():", "    while not PID.exists():", "        time.sleep(0.2)"),
        "    status = pathlib.Path('/proc', PID.read_text(), 'status')",
        "    while status.exists() and '(zombie)' not in status.read_text():",
        *("        time.sleep(0.2)", "    time.sleep(5)", "    leak()", ""),
        *(f"def test_{each}():\n    time.sleep(0.5)\n" for each in range(40)),
    ]
    (folder / "test_shop.py").write_text("\n".join(lines))
    folder.chmod(0o777)
    room.run(f"cd {folder} && git init -q .")
    python = f"{room.tools}/venv/bin/python"
    words = "-m pytest -q -n 4 -p no:cacheprovider --junitxml=report.xml"
    room.type("cause", f"bash -c 'cd {folder} && exec {python} {words}'")


def _both_ended(room: Room, _: float) -> Iterator[str]:
    """Both leaks were ended, the run went on to its report, and all else in it passed."""
    ends = {each["id"] for each in room.journal() if each.get("rung") == END}
    if len(ends) < 2:
        yield f"{len(ends)} of 2 leaks were ended"
    report = room.home / "shop" / "report.xml"
    head = report.read_text()[:300] if report.exists() else ""
    if 'errors="2" failures="0"' not in head or 'tests="42"' not in head:
        yield f"the run did not finish as it should: {head or 'no report'}"


def _jest(room: Room) -> None:
    folder = room.home / "web"
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text("{}")
    (folder / "leak.test.js").write_text(
        "test('leak', async () => { const held = []; for (let i = 0; i < 120; i++) {"
        " held.push(Buffer.alloc(25 << 20, 1)); await new Promise(r => setTimeout(r, 200)); }"
        " }, 100000);"
    )
    for each in range(6):
        (folder / f"slow{each}.test.js").write_text(
            "test('slow', () => new Promise(r => setTimeout(r, 8000)), 20000);"
        )
    jest = room.tools / "js/node_modules/jest/bin/jest.js"
    room.type("cause", f"bash -c 'cd {folder} && exec /usr/bin/node {jest} --maxWorkers=3'")


def _served(words: str, port: int) -> Callable[[Room], None]:
    def prepare(room: Room) -> None:
        _innocent(room)
        at = (
            f"--chdir {room.program('')}"
            if "gunicorn" in words
            else f"--app-dir {room.program('')}"
        )
        room.start("server", f"{room.tools}/venv/bin/{words} {at}")
        room.wait(lambda: _answers(port, "/"), 20)

    return prepare


_GUNICORN, _UVICORN, _REDIS, _POSTGRES, _CODE = range(8765, 8770)  # ports


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _leak_at(port: int) -> Callable[[Room], None]:
    def cause(_: Room) -> None:
        _answers(port, "/leak")

    return cause


def _redis(room: Room) -> None:
    _innocent(room)
    room.start("database", f"/usr/bin/redis-server --save '' --set-proc-title no --port {_REDIS}")


def _fill_redis(room: Room) -> None:
    """Two thirds of memory more: it may not be touched, and the kernel must not have to."""
    words = "-t set -r 100000000 -n 20000 -d 65536 -c 4 -q"
    room.start("client", f"/usr/bin/redis-benchmark -p {_REDIS} {words}")


_POSTGRES_BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))


def _postgres(room: Room) -> None:
    _innocent(room)
    data = room.home / "data"
    room.run(f"{_POSTGRES_BIN}/initdb -A trust -U shop {data}", timeout_s=120)
    room.start("database", f"{_POSTGRES_BIN}/postgres -D {data} -k {room.home} -p {_POSTGRES}")
    ready = f"{_POSTGRES_BIN}/pg_isready -h {room.home} -p {_POSTGRES}"
    room.wait(lambda: "accepting" in room.run(ready), 20)


def _sort_in_postgres(room: Room) -> None:
    """One query gathers a few gigabytes in the server process that runs it."""
    query = (
        "select array_length(array_agg(repeat(md5(g::text), 30)), 1)"
        " from generate_series(1, 4000000) g"
    )
    psql = f'{_POSTGRES_BIN}/psql -h {room.home} -p {_POSTGRES} -U shop postgres -c "{query}"'
    room.start("client", f"bash -c '{psql}'")


_QEMU = "qemu-system-x86_64 -display none -net none -machine q35,accel=tcg -m"


def _machine(room: Room) -> None:
    _innocent(room)
    room.start("machine", f"/usr/bin/{_QEMU} 256 -mem-prealloc")


def _build(room: Room) -> None:
    folder = room.home / "cproject"
    folder.mkdir(exist_ok=True)
    for each in range(120):
        lines = (
            f"double f{each}_{n}(double x){{double s=0;for(int k=0;k<{n + 3};k++)"
            f"s+=sin(x*k)*cos(x/{n + 1}.0)+k%{n + 2};return s;}}\n"
            for n in range(30)
        )
        (folder / f"f{each}.c").write_text("#include <math.h>\n" + "".join(lines))
    (folder / "Makefile").write_text(
        "all: $(patsubst %.c,%.o,$(wildcard f*.c))\n%.o: %.c\n\tgcc -O3 -c -o $@ $<\n"
    )
    room.run(f"chmod -R a+rwX {folder}")
    room.type("build", f"make -s -j16 -C {folder}")


def _agent(room: Room) -> None:
    _innocent(room)
    folder = room.home / ".local/bin"
    room.run(f"mkdir -p {folder} && cp {room.program('claude')} {folder}/claude")
    hog = _python(room, "hog.py", 2600, 25, 0.25)
    room.type("agent", f"{folder}/claude env ROOM_ROLE=cause sh -c 'sleep 6; exec {hog}'")


_CHROMIUM = (
    "/usr/bin/chromium --no-first-run --disable-gpu --password-store=basic --no-sandbox"
    " --renderer-process-limit=200 --user-data-dir={home}/chromium"
)


def _editor(room: Room) -> None:
    """The server of an editor, a browser on it, and an extension that starts a task."""
    _innocent(room)
    tools, home = room.tools / "editor", room.home
    room.run(f"mkdir -p {home}/ext && cp -r {room.program('extension')} {home}/ext/room.leak-1.0.0")
    server = f"{tools}/node_modules/code-server/out/node/entry.js"
    words = (
        f"--auth none --bind-addr 127.0.0.1:{_CODE} --disable-telemetry --disable-workspace-trust"
    )
    folders = f"--user-data-dir {home}/code --extensions-dir {home}/ext"
    programs = f"ROOM_PROGRAMS={room.program('')}"
    room.start("editor", f"env {programs} {tools}/bin/node {server} {words} {folders}")
    room.wait(lambda: _answers(_CODE, "/healthz"), 40)
    page = f"http://127.0.0.1:{_CODE}/?folder={home}"
    room.start("browser", f"{_CHROMIUM.format(home=home)} --headless=new {page}")
    room.wait(lambda: any("extensionHost" in each.words for each in room.alive("editor")), 60)
    time.sleep(5.0)


def _task_of_the_editor(room: Room) -> None:
    (room.home / "go").touch()
    if not room.wait(lambda: bool(room.alive("cause")), 40):
        raise TimeoutError("the extension has started nothing")


def _nothing(_: Room) -> None:
    return None


def _numpy(room: Room) -> None:
    room.type("cause", f"{room.tools}/venv/bin/python {room.program('array.py')}")


def _bomb(room: Room) -> None:
    room.type("cause", _python(room, "bomb.py"))


def _used_repl(room: Room) -> None:
    """A REPL that a person has typed into; the kernel tells so in steps of eight seconds."""
    _innocent(room)
    room.window = room.type("cause", "/usr/bin/python3")
    time.sleep(12.0)
    room.keys(room.window, "import time; b = []")


def _growing_repl(room: Room) -> None:
    line = "[(b.append(bytearray(b'x') * (25 << 20)), time.sleep(.25)) for _ in range(56)] and 0"
    room.keys(room.window, line)


def _player(room: Room) -> None:
    room.start("player", _python(room, "player.py", 60))


def _is_on_time(room: Room, began_s: float) -> Iterator[str]:
    """Late frames a second in the last ten, beside those before the loops were let loose."""
    log = (room.folder / "log" / "player.log").read_text().split("\n")[:-1]
    late = [float(line.split()[0]) - room.began_s for line in log]
    end_s = began_s + 30.0
    before = sum(began_s - 6.0 <= at_s < began_s for at_s in late) / 6.0
    after = sum(end_s - 10.0 <= at_s < end_s for at_s in late) / 10.0
    between = sum(began_s <= at_s < began_s + 10.0 for at_s in late) / 10.0
    room.notes.append(f"late frames a second: {before:.1f}, {between:.1f} at first, {after:.1f}")
    if after > 1.2 * before + 1.0:  # of 25
        yield room.notes[-1]


def _busy(room: Room) -> None:
    room.start("cause", _python(room, "busy.py", 8))


def _browser(pages: int) -> Callable[[Room], None]:
    def prepare(room: Room) -> None:
        _innocent(room)
        page = room.home / "page.html"
        page.write_text("<title>page</title>" + "<p>text</p>" * 100)
        tabs = " ".join(f"file://{page}?{each}" for each in range(pages))
        room.start("browser", _CHROMIUM.format(home=room.home) + f" {tabs}")
        if not room.wait(lambda: len(room.alive("browser")) > pages, 40 + pages):
            raise TimeoutError(f"the browser has {len(room.alive('browser'))} processes")

    return prepare


def _leaking_tab(room: Room) -> None:
    page = room.program("leak.html")
    room.start("browser", _CHROMIUM.format(home=room.home) + f" file://{page}")


def _leaking_tab_behind(room: Room) -> None:
    """The leaking tab is in a browser behind the window that a person works with."""
    page = room.program("leak.html")
    room.start("browser", _CHROMIUM.format(home=room.home) + f" file://{page}#8")
    time.sleep(3.0)
    room.start("front", "/usr/bin/xterm -e sleep 600")


def _window_lives(room: Room, _: float) -> Iterator[str]:
    if not any("--type=" not in each.words for each in room.alive("browser")):
        yield "the browser's window is gone"


def _has_a_hundred(room: Room, _: float) -> Iterator[str]:
    if (count := len(room.alive("browser"))) < 100:
        yield f"the browser has {count} processes"


_HOG_ALLOWED: dict[str, tuple[str, ...]] = {"cause": (SLOW, PAUSE, END)}
SCENARIOS = (
    Scenario(
        name="hog",
        title="A job typed at a prompt leaks beside a steady one and a REPL",
        prepare=_repl,
        cause=_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
    Scenario(
        name="fast-hog",
        title="The same at 500 MB/s",
        prepare=_repl,
        cause=_fast_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
    Scenario(
        name="stranger",
        title="Another user's hog beside a steady job",
        prepare=_repl,
        cause=_strangers_hog,
        lives=("innocent", "repl"),
        said="belongs to another user",
    ),
    Scenario(
        name="pool-worker",
        title="One worker of a multiprocessing.Pool grows",
        prepare=_innocent,
        cause=_pool("workers"),
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
    ),
    Scenario(
        name="pool-parent",
        title="The parent of a multiprocessing.Pool grows",
        prepare=_innocent,
        cause=_pool("parent"),
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
    ),
    Scenario(
        name="loader",
        title="A data loader's workers share 500 MB; another job leaks",
        prepare=_shared_pool,
        cause=_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "loader"),
        size_bytes=3 * GB,
    ),
    Scenario(
        name="xdist",
        title="A worker of pytest-xdist leaks in test mode",
        prepare=_innocent,
        cause=_suite,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        mode="test",
        seconds=45,
    ),
    Scenario(
        name="jest",
        title="A worker of jest leaks",
        prepare=_innocent,
        cause=_jest,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        needs=("js/node_modules/jest",),
    ),
    Scenario(
        name="gunicorn",
        title="One of eight gunicorn workers leaks",
        prepare=_served(f"gunicorn -w 8 -b 127.0.0.1:{_GUNICORN} app:wsgi", _GUNICORN),
        cause=_leak_at(_GUNICORN),
        allowed={"server": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "server"),
    ),
    Scenario(
        name="uvicorn",
        title="One of four uvicorn workers leaks",
        prepare=_served(f"uvicorn --workers 4 --port {_UVICORN} app:asgi", _UVICORN),
        cause=_leak_at(_UVICORN),
        allowed={"server": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "server"),
    ),
    Scenario(
        name="prefork",
        title="A server has forty workers; another job leaks",
        prepare=_prefork,
        cause=_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "server"),
    ),
    Scenario(
        name="redis",
        title="A database grows",
        prepare=_redis,
        cause=_fill_redis,
        allowed={"client": (SLOW, PAUSE)},
        lives=("innocent", "database"),
        said="a database",
        seconds=40,
    ),
    Scenario(
        name="qemu",
        title="A virtual machine runs; another job leaks",
        prepare=_machine,
        cause=_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "machine"),
        needs=("/usr/bin/qemu-system-x86_64",),
    ),
    Scenario(
        name="make",
        title="make -j16 of 120 files",
        prepare=_innocent,
        cause=_build,
        allowed={"build": (SLOW,)},
        seconds=30,
    ),
    Scenario(
        name="agent",
        title="What an agent has started leaks",
        prepare=_agent,
        cause=_nothing,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "agent"),
        seconds=35,
    ),
    Scenario(
        name="numpy",
        title="numpy in a terminal: 200 MB more twice a second",
        prepare=_repl,
        cause=_numpy,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
    ),
    Scenario(
        name="bomb",
        title="A fork bomb, held at 400 processes",
        most_threads=400,
        prepare=_repl,
        cause=_bomb,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
        seconds=25,
    ),
    Scenario(
        name="repl-grows",
        title="A REPL that is typed into grows",
        prepare=_used_repl,
        cause=_growing_repl,
        lives=("innocent", "cause"),
        said="typed into",
        seconds=35,
    ),
    Scenario(
        name="player",
        title="A light player beside eight busy loops",
        prepare=_player,
        cause=_busy,
        judge=_is_on_time,
        allowed=_HOG_ALLOWED,
        lives=("player", "cause"),
        seconds=35,
    ),
    Scenario(
        name="browser",
        title="Chromium with thirty tabs; another job leaks",
        prepare=_browser(30),
        cause=_hog,
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
        prepare=_browser(3),
        cause=_leaking_tab,
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
        prepare=_browser(100),
        cause=_leaking_tab,
        lives=("innocent", "browser"),
        said="hromium",
        size_bytes=5 * GB,
        most_threads=6000,
        seconds=60,
        display=True,
        needs=("/usr/bin/chromium",),
        judge=_has_a_hundred,
    ),
    Scenario(
        name="tab-behind",
        title="A tab of a browser behind another window leaks beside a steady job",
        prepare=_browser(3),
        cause=_leaking_tab_behind,
        allowed={"browser": (SLOW, PAUSE, END)},
        wanted=(PAUSE, END),
        lives=("innocent", "browser", "front"),
        size_bytes=3 * GB,
        seconds=70,
        display=True,
        needs=("/usr/bin/chromium", "/usr/bin/xterm"),
        judge=_window_lives,
    ),
    Scenario(
        name="xdist-twice",
        title="A worker of pytest-xdist leaks twice in a run in prod mode",
        prepare=_innocent,
        cause=_leaking_twice,
        allowed=_HOG_ALLOWED,
        wanted=(END,),
        mode="prod",
        seconds=170,
        finishes="cause",
        judge=_both_ended,
    ),
    Scenario(
        name="postgres",
        title="A query makes a database grow",
        prepare=_postgres,
        cause=_sort_in_postgres,
        allowed={"client": (SLOW, PAUSE)},
        lives=("innocent", "database"),
        said="a database",
        seconds=40,
        needs=(f"{_POSTGRES_BIN}/initdb",),
    ),
    Scenario(
        name="container",
        title="What runs in a container leaks",
        prepare=_repl,
        cause=_container_hog,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "repl"),
        needs=("/usr/bin/bwrap",),
    ),
    Scenario(
        name="editor",
        title="A task below the extension host of a VS Code server leaks",
        prepare=_editor,
        cause=_task_of_the_editor,
        allowed=_HOG_ALLOWED,
        wanted=(PAUSE, END),
        lives=("innocent", "editor", "browser"),
        size_bytes=4 * GB,
        seconds=45,
        display=True,
        needs=("editor/node_modules/code-server", "/usr/bin/chromium"),
    ),
)
