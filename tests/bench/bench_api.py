"""The local API of the real program, headless: how quick, how heavy, and what a load does to it.

What is raised is durable before it is answered, so the way of an alert to a client includes a
write to disk.
"""

import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from omnitray.base.paths import find_paths
from omnitray.client.discovery import Address, read_address
from support.bench import Row, Spread, spread, table, within

PREFIX = "/api/monitoring"
ASKED = 500
RAISED = 200
STARTS = 15
LOAD_S = 60.0
LOAD_RATE = 200
LOAD_CLIENTS = 32
SETTLE_S = 6.0
PAUSE_S = 0.003  # under the rate that is refused
KIB = 1024
COMMAND = "import sys; from omnitray.cli.parser import main; sys.exit(main(sys.argv[1:]))"


def main() -> None:
    """Print the section."""
    sys.stdout.write("## Local API and command line\n\n")
    sys.stdout.write(table([*_api_rows(), *_start_rows()]) + "\n")


def _api_rows() -> Iterator[Row]:
    with _program(api=False) as (process, _):
        without = _rss_mb(process.pid)
    with _program(api=True) as (process, address):
        at_rest = _rss_mb(process.pid)
        yield Row("memory, headless, API off", f"{without:.1f} MB")
        yield within("memory, headless, API on", at_rest, 60, "MB")
        for path in ("/health", "/status", "/alerts?limit=100", "/snapshots/recent"):
            yield Row(f"GET {path}", _told(_ask_often(address, "GET", path)))
        raised = _ask_often(address, "POST", "/alerts", times=RAISED)
        yield Row("POST /alerts, durable when answered", _told(raised))
        arrived = _alert_to_client(address)
        yield within(
            "alert raised → client has it, p95", arrived.p95, 10, "ms", told=arrived.told("ms")
        )
        yield from load_rows(process.pid, address)


def _start_rows() -> Iterator[Row]:
    with _program(api=True):
        status = spread(_timed([sys.executable, "-c", COMMAND, "status"]) for _ in range(STARTS))
    yield within("omnitray status, whole", status.median, 150, "ms", told=status.told("ms", 0))
    bare = spread(_timed([sys.executable, "-c", ""]) for _ in range(STARTS))
    yield Row("of that, Python itself", bare.told("ms", 0))
    code = "import time; t = time.perf_counter(); import omnitray; print(time.perf_counter() - t)"
    imports = spread(
        1000 * float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(STARTS)
    )
    yield within("import omnitray", imports.median, 30, "ms", told=imports.told("ms", 2))


def load_rows(pid: int, address: Address) -> Iterator[Row]:
    """So many requests a second and listeners, for a minute."""
    heard = [0] * LOAD_CLIENTS
    with ExitStack() as stack:
        clients = [stack.enter_context(_socket(address)) for _ in range(LOAD_CLIENTS)]
        readers = [
            threading.Thread(target=_count, args=(client, heard, number), daemon=True)
            for number, client in enumerate(clients)
        ]
        for reader in readers:
            reader.start()
        before = _rss_mb(pid)
        times, raised = _pour(address)
        time.sleep(1)
        after = _rss_mb(pid)
    lost = sum(raised - each for each in heard)
    rate = len(times) / LOAD_S
    load = f"{LOAD_RATE} requests/s and {LOAD_CLIENTS} clients for {LOAD_S:.0f} s"
    yield Row(f"{load}: answered", f"{rate:.0f}/s, {_told(spread(times))}")
    yield Row("… events lost by clients that keep up", f"{lost} of {raised * LOAD_CLIENTS}")
    yield Row("… memory before and after", f"{before:.1f} → {after:.1f} MB")


def _pour(address: Address) -> tuple[list[float], int]:
    times: list[float] = []
    raised = 0
    began = time.perf_counter()
    connection = _connection(address)
    for number in itertools.count():
        due = began + number / LOAD_RATE
        if due - began >= LOAD_S:
            break
        time.sleep(max(0.0, due - time.perf_counter()))
        start = time.perf_counter()
        if number % LOAD_RATE == 0:
            raised += 1
            _ask(connection, address, "POST", "/alerts", title=f"load {_word(number)}")
        else:
            _ask(connection, address, "GET", "/health")
        times.append(1000 * (time.perf_counter() - start))
    connection.close()
    return times, raised


def _count(client: ClientConnection, heard: list[int], number: int) -> None:
    seen = set()
    for text in client:
        message = json.loads(text)
        if message["event"] == "alert" and message["title"].startswith("load"):
            seen.add(message["id"])
            heard[number] = len(seen)


def _alert_to_client(address: Address) -> Spread:
    connection = _connection(address)
    figures = []
    with _socket(address) as client:
        client.recv()
        for number in range(RAISED):
            title = f"way {_word(number)}"
            arrived: list[float] = []
            waiter = threading.Thread(target=_until, args=(client, title, arrived))
            waiter.start()
            start = time.perf_counter()
            _ask(connection, address, "POST", "/alerts", title=title)
            waiter.join()
            figures.append(1000 * (arrived[0] - start))
    connection.close()
    return spread(figures)


def _until(client: ClientConnection, title: str, arrived: list[float]) -> None:
    while json.loads(client.recv()).get("title") != title:
        pass
    arrived.append(time.perf_counter())


def _ask_often(address: Address, method: str, path: str, times: int = ASKED) -> Spread:
    connection = _connection(address)

    def once(number: int) -> float:
        time.sleep(PAUSE_S)
        start = time.perf_counter()
        _ask(connection, address, method, path, number)
        return 1000 * (time.perf_counter() - start)

    figures = spread(once(number) for number in range(times))
    connection.close()
    return figures


def _ask(
    connection: http.client.HTTPConnection,
    address: Address,
    method: str,
    path: str,
    number: int = 0,
    *,
    title: str = "",
) -> None:
    body = None
    if method == "POST":
        named = title or f"asked {_word(number)}"
        body = json.dumps({"type": "TEST_FAILED", "title": named, "severity": "info"})
    headers = {"Authorization": f"Bearer {address.token}", "Content-Type": "application/json"}
    connection.request(method, PREFIX + path, body, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status not in (200, 201):
        raise RuntimeError(f"{method} {path}: {answer.status}")


def _word(number: int) -> str:
    """Letters for digits: alerts that differ in numbers alone are the same incident."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def _connection(address: Address) -> http.client.HTTPConnection:
    port = int(address.url.rpartition(":")[2])
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30)


def _socket(address: Address) -> ClientConnection:
    url = address.url.replace("http", "ws", 1) + "/ws?events=alert"
    headers = {"Authorization": f"Bearer {address.token}"}
    return connect(url, additional_headers=headers, compression=None)


def _told(figures: Spread) -> str:
    return (
        f"p50 {figures.median:.1f} ms, p95 {figures.p95:.1f} ms, p99 {figures.p99:.1f} ms"
        f" (n = {figures.times})"
    )


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


def _rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kib * KIB / 1e6


@contextmanager
def _program(*, api: bool) -> Iterator[tuple["subprocess.Popen[bytes]", Any]]:
    """The program without a screen, in folders of its own, with nobody to act on."""
    with tempfile.TemporaryDirectory(prefix="omnitray-bench-") as home:
        os.environ["OMNITRAY_HOME"] = home
        paths = find_paths()
        paths.create()
        switch = str(api).lower()
        paths.config_file.write_text(
            f'[api]\nenabled = {switch}\nport = 0\n[protect]\nstate = "off"'
        )
        process = subprocess.Popen([sys.executable, "-m", "omnitray", "--headless"])
        try:
            address = _wait(lambda: read_address(paths.api_file)) if api else None
            time.sleep(SETTLE_S)
            yield process, address
        finally:
            process.terminate()
            process.wait(20)


def _wait(found: Callable[[], Address | None]) -> Address:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (address := found()) is not None:
            return address
        time.sleep(0.05)
    raise TimeoutError("the program does not answer")
