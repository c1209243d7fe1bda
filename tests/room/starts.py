"""How the innocents and the causes of the scenarios are started, and what they are judged by."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from room.room import Room

END = "end"


def python(room: Room, program: str, *words: object) -> str:
    return " ".join(("/usr/bin/python3", room.program(program), *map(str, words)))


def innocent(room: Room) -> None:
    room.type("innocent", python(room, "steady.py", 300))


def repl(room: Room) -> None:
    innocent(room)
    room.type("repl", "/usr/bin/python3 -i -c 'b = bytearray(b\"x\") * (200 << 20)'")


def hog(room: Room) -> None:
    room.type("cause", python(room, "hog.py", 2600, 25, 0.25))


def container_hog(room: Room) -> None:
    words = "--unshare-user --unshare-pid --unshare-ipc --ro-bind / / --dev /dev --proc /proc"
    room.type("cause", f"/usr/bin/bwrap {words} {python(room, 'hog.py', 2600, 25, 0.25)}")


def fast_hog(room: Room) -> None:
    room.type("cause", python(room, "hog.py", 2600, 50, 0.1))


def strangers_hog(room: Room) -> None:
    room.start("cause", python(room, "hog.py", 1550, 20, 0.25), 65534)


def pool(who: str) -> Callable[[Room], None]:
    def cause(room: Room) -> None:
        room.type("cause", python(room, "pool.py", who))

    return cause


def shared_pool(room: Room) -> None:
    innocent(room)
    room.type("loader", python(room, "pool.py", "shared"))


def memory_file(room: Room) -> None:
    room.type("cause", python(room, "memory_file.py", 1250, 0.15))


def two_hogs(room: Room) -> None:
    for role in ("cause", "second"):
        room.type(role, python(room, "hog.py", 2600, 15, 0.25))


def large_copy(room: Room) -> None:
    """The cache fills with what is read and written; nobody holds more memory."""
    made = f"dd if=/dev/zero of={room.home}/large bs=1M count=1500 status=none"
    room.type("cause", f"bash -c '{made} && cp {room.home}/large {room.home}/copy; sleep 60'")


def copy_is_removed(room: Room, _: float) -> Iterator[str]:
    copied = room.home / "copy"
    if not copied.exists() or copied.stat().st_size < 1500 << 20:
        yield "nothing was copied"
    room.run("rm -f large copy")


def limited_hog(room: Room) -> None:
    """Three times in a row what reaches 250 MB, which is all that its group may have."""
    hog = python(room, "hog.py", 600, 25, 0.2)
    room.run_limited("cause", f"for i in 1 2 3; do {hog}; done; sleep 60", 250 << 20)


def limit_was_met(room: Room, _: float) -> Iterator[str]:
    if not (ends := room.limited_ends()):
        yield "nothing has met its limit"
    room.notes.append(f"the kernel ended {ends} within the limited group")


def worn_server(room: Room) -> None:
    """gunicorn whose workers leak, each replaced after forty requests."""
    innocent(room)
    words = f"-w 4 --max-requests 40 -b 127.0.0.1:{WORN} app:wsgi --chdir {room.program('')}"
    room.start("server", f"{room.tools}/venv/bin/gunicorn {words}")
    room.wait(lambda: answers(WORN, "/"), 20)


def many_requests(room: Room) -> None:
    room.start("client", python(room, "asks.py", WORN, 400, 0.08))


def workers_were_replaced(room: Room, _: float) -> Iterator[str]:
    count = sum(each.role == "server" for each in room.seen.values())
    room.notes.append(f"{count} processes of the server were seen")
    if count < 8:
        yield "no worker was replaced"


def large_machine(room: Room) -> None:
    room.start("cause", f"/usr/bin/{QEMU} 1200 -mem-prealloc")


def jest_all(room: Room) -> None:
    """All of its workers grow."""
    folder = room.home / "web"
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text("{}")
    for each in range(4):
        (folder / f"leak{each}.test.js").write_text(
            "test('leak', async () => { const held = []; for (let i = 0; i < 120; i++) {"
            " held.push(Buffer.alloc(6 << 20, 1)); await new Promise(r => setTimeout(r, 200)); }"
            " }, 100000);"
        )
    jest = room.tools / "js/node_modules/jest/bin/jest.js"
    room.type("cause", f"bash -c 'cd {folder} && exec /usr/bin/node {jest} --maxWorkers=4'")


def prefork(room: Room) -> None:
    innocent(room)
    room.start("server", python(room, "prefork.py"))


def suite(room: Room) -> None:
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


def leaking_twice(room: Room) -> None:
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


def both_ended(room: Room, _: float) -> Iterator[str]:
    """Both leaks were ended, the run went on to its report, and all else in it passed."""
    ends = {each["id"] for each in room.journal() if each.get("rung") == END}
    if len(ends) < 2:
        yield f"{len(ends)} of 2 leaks were ended"
    report = room.home / "shop" / "report.xml"
    head = report.read_text()[:300] if report.exists() else ""
    if 'errors="2" failures="0"' not in head or 'tests="42"' not in head:
        yield f"the run did not finish as it should: {head or 'no report'}"


def jest(room: Room) -> None:
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


def served(words: str, port: int) -> Callable[[Room], None]:
    def prepare(room: Room) -> None:
        innocent(room)
        at = (
            f"--chdir {room.program('')}"
            if "gunicorn" in words
            else f"--app-dir {room.program('')}"
        )
        room.start("server", f"{room.tools}/venv/bin/{words} {at}")
        room.wait(lambda: answers(port, "/"), 20)

    return prepare


GUNICORN, UVICORN, _REDIS, _POSTGRES, _CODE, WORN = range(8765, 8771)  # ports


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False


def leak_at(port: int) -> Callable[[Room], None]:
    def cause(_: Room) -> None:
        answers(port, "/leak")

    return cause


def redis(room: Room) -> None:
    innocent(room)
    room.start("database", f"/usr/bin/redis-server --save '' --set-proc-title no --port {_REDIS}")


def fill_redis(room: Room) -> None:
    """Two thirds of memory more: it may not be touched, and the kernel must not have to."""
    words = "-t set -r 100000000 -n 20000 -d 65536 -c 4 -q"
    room.start("client", f"/usr/bin/redis-benchmark -p {_REDIS} {words}")


POSTGRES_BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))


def postgres(room: Room) -> None:
    innocent(room)
    data = room.home / "data"
    room.run(f"{POSTGRES_BIN}/initdb -A trust -U shop {data}", timeout_s=120)
    room.start("database", f"{POSTGRES_BIN}/postgres -D {data} -k {room.home} -p {_POSTGRES}")
    ready = f"{POSTGRES_BIN}/pg_isready -h {room.home} -p {_POSTGRES}"
    room.wait(lambda: "accepting" in room.run(ready), 20)


def sort_in_postgres(room: Room) -> None:
    """One query gathers a few gigabytes in the server process that runs it."""
    query = (
        "select array_length(array_agg(repeat(md5(g::text), 30)), 1)"
        " from generate_series(1, 4000000) g"
    )
    psql = f'{POSTGRES_BIN}/psql -h {room.home} -p {_POSTGRES} -U shop postgres -c "{query}"'
    room.start("client", f"bash -c '{psql}'")


QEMU = "qemu-system-x86_64 -display none -net none -machine q35,accel=tcg -m"


def machine(room: Room) -> None:
    innocent(room)
    room.start("machine", f"/usr/bin/{QEMU} 256 -mem-prealloc")


def build(room: Room) -> None:
    write_project(room, files=120)
    room.type("build", f"make -s -j16 -C {room.home / 'cproject'}")


def write_suite(room: Room) -> None:
    """Sixty short tests."""
    folder = room.home / "suite"
    folder.mkdir(exist_ok=True)
    body = (f"def test_{each}():\n    sum(range(10**6)); time.sleep(0.1)\n" for each in range(60))
    (folder / "test_short.py").write_text("import time\n" + "\n".join(body))
    room.run(f"chmod -R a+rwX {folder}")


def write_project(room: Room, files: int) -> None:
    """C files that take a second each, and what makes them."""
    folder = room.home / "cproject"
    folder.mkdir(exist_ok=True)
    for each in range(files):
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


def agent(room: Room) -> None:
    innocent(room)
    folder = room.home / ".local/bin"
    room.run(f"mkdir -p {folder} && cp {room.program('claude')} {folder}/claude")
    hog = python(room, "hog.py", 2600, 25, 0.25)
    room.type("agent", f"{folder}/claude env ROOM_ROLE=cause sh -c 'sleep 6; exec {hog}'")


CHROMIUM = (
    "/usr/bin/chromium --no-first-run --disable-gpu --password-store=basic --no-sandbox"
    " --renderer-process-limit=200 --user-data-dir={home}/chromium"
)


def editor(room: Room) -> None:
    """The server of an editor, a browser on it, and an extension that starts a task."""
    innocent(room)
    tools, home = room.tools / "editor", room.home
    room.run(f"mkdir -p {home}/ext && cp -r {room.program('extension')} {home}/ext/room.leak-1.0.0")
    server = f"{tools}/node_modules/code-server/out/node/entry.js"
    words = (
        f"--auth none --bind-addr 127.0.0.1:{_CODE} --disable-telemetry --disable-workspace-trust"
    )
    folders = f"--user-data-dir {home}/code --extensions-dir {home}/ext"
    programs = f"ROOM_PROGRAMS={room.program('')}"
    room.start("editor", f"env {programs} {tools}/bin/node {server} {words} {folders}")
    room.wait(lambda: answers(_CODE, "/healthz"), 40)
    page = f"http://127.0.0.1:{_CODE}/?folder={home}"
    room.start("browser", f"{CHROMIUM.format(home=home)} --headless=new {page}")
    room.wait(lambda: any("extensionHost" in each.words for each in room.alive("editor")), 60)
    time.sleep(5.0)


def task_of_the_editor(room: Room) -> None:
    (room.home / "go").touch()
    if not room.wait(lambda: bool(room.alive("cause")), 40):
        raise TimeoutError("the extension has started nothing")


def nothing(_: Room) -> None:
    return None


def numpy(room: Room) -> None:
    room.type("cause", f"{room.tools}/venv/bin/python {room.program('array.py')}")


def bomb(room: Room) -> None:
    room.type("cause", python(room, "bomb.py"))


def used_repl(room: Room) -> None:
    """A REPL that a person has typed into; the kernel tells so in steps of eight seconds."""
    innocent(room)
    room.window = room.type("cause", "/usr/bin/python3")
    time.sleep(12.0)
    room.keys(room.window, "import time; b = []")


def growing_repl(room: Room) -> None:
    line = "[(b.append(bytearray(b'x') * (25 << 20)), time.sleep(.25)) for _ in range(56)] and 0"
    room.keys(room.window, line)


def player(room: Room) -> None:
    room.start("player", python(room, "player.py", 150))


_LATER_BESIDE_LOOPS = 3.0  # late frames a second of 25: more than two calm times differ by


def is_later_beside_loops(room: Room, began_s: float) -> Iterator[str]:
    """As ``is_on_time``; and the loops make frames late before they are slowed down.

    Where they do not, slowing down has nothing to mend, and this proves nothing: the room has to
    be run again on a machine that is less busy.
    """
    calm, first, wrong = _late_frames(room, began_s)
    if first < calm + _LATER_BESIDE_LOOPS:
        others = f"others took {room.others_percent:.0f} % of the processors"
        yield f"proves nothing ({others}): {room.notes[-1]}"
    yield from wrong


def is_on_time(room: Room, began_s: float) -> Iterator[str]:
    """No more late frames beside the loops than without them, once they are slowed down."""
    _, _, wrong = _late_frames(room, began_s)
    yield from wrong


def _late_frames(room: Room, began_s: float) -> tuple[float, float, list[str]]:
    """Late frames a second without the loops and beside them at first, and what is wrong.

    What else runs on the machine makes frames late at any time: both calm times count, before the
    loops and when they have gone.
    """
    end_s = began_s + 30.0
    loops = " ".join(str(each.pid) for each in room.alive("cause"))
    room.run(f"kill -KILL {loops}")
    gone_s = room.now_s + 1.0
    time.sleep(11.0)
    log = (room.folder / "log" / "player.log").read_text().split("\n")[:-1]
    late = [float(line.split()[0]) - room.began_s for line in log]

    def a_second(from_s: float, for_s: float) -> float:
        return sum(from_s <= at_s < from_s + for_s for at_s in late) / for_s

    calm = max(a_second(began_s - 6.0, 6.0), a_second(gone_s, 10.0))
    first, after = a_second(began_s, 3.5), a_second(end_s - 10.0, 10.0)
    said = f"late frames a second of 25: {calm:.1f} without loops, {first:.1f} beside them at first"
    room.notes.append(f"{said}, {after:.1f} once they were slowed down")
    return calm, first, [room.notes[-1]] if after > 1.2 * calm + 1.0 else []


def busy(room: Room) -> None:
    room.start("cause", python(room, "busy.py", 8))


def browser(pages: int) -> Callable[[Room], None]:
    def prepare(room: Room) -> None:
        innocent(room)
        page = room.home / "page.html"
        page.write_text("<title>page</title>" + "<p>text</p>" * 100)
        tabs = " ".join(f"file://{page}?{each}" for each in range(pages))
        room.start("browser", CHROMIUM.format(home=room.home) + f" {tabs}")
        if not room.wait(lambda: len(room.alive("browser")) > pages, 40 + pages):
            raise TimeoutError(f"the browser has {len(room.alive('browser'))} processes")

    return prepare


def leaking_tab(room: Room) -> None:
    page = room.program("leak.html")
    room.start("browser", CHROMIUM.format(home=room.home) + f" file://{page}")


def leaking_tab_behind(room: Room) -> None:
    """The leaking tab is in a browser behind the window that a person works with."""
    page = room.program("leak.html")
    room.start("browser", CHROMIUM.format(home=room.home) + f" file://{page}#8")
    time.sleep(3.0)
    room.start("front", "/usr/bin/xterm -e sleep 600")


def window_lives(room: Room, _: float) -> Iterator[str]:
    if not any("--type=" not in each.words for each in room.alive("browser")):
        yield "the browser's window is gone"


def has_a_hundred(room: Room, _: float) -> Iterator[str]:
    if (count := len(room.alive("browser"))) < 100:
        yield f"the browser has {count} processes"
