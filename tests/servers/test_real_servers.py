"""Real servers under the supervisor: crashed, stopped, slow, robbed of their port, forbidden."""

import os
import shutil
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from omnitray.base.facts import AlertType
from omnitray.servers.health import check
from omnitray.servers.logs import MOST_KEPT_BYTES, ServerLog
from omnitray.servers.model import ProbeResult, ServerRefusal, ServerState, UnknownServer
from omnitray.settings.servers import CommandHealth, ServerSettings
from support.children import has_ended
from support.real_servers import PATIENCE_S, Desk, ask, desk_in, free_port, kill, left_in, until


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path) as found:
        yield found


def test_a_server_comes_up_with_its_address_and_ends_with_its_tree(desk: Desk) -> None:
    (desk.project / "child").touch()  # a child in a session of its own
    spec = desk.spec()
    view = desk.serve(spec)
    assert view.pid is not None
    assert view.url == f"http://127.0.0.1:{spec.command[-1]}"
    assert os.getsid(view.pid) == view.pid
    child = int((desk.project / "child").read_text())
    assert psutil.pid_exists(child)
    stopped = desk.supervisor.command("api", "stop").result(PATIENCE_S)
    assert stopped.state is ServerState.STOPPED
    until(lambda: desk.supervisor.view("api").pid is None, "the end of the tree")
    assert not psutil.pid_exists(view.pid)
    assert has_ended(child)
    assert desk.open() == []


def test_a_crash_is_seen_within_250_ms_and_the_server_comes_back(desk: Desk) -> None:
    view = desk.serve(desk.spec())
    assert ask(view.url, "/crash") == 0
    at = time.monotonic()
    until(lambda: bool(desk.open()), "the alert")
    seen_s = time.monotonic() - at
    down = desk.open()[0]
    assert (down.type, down.context["exit_code"]) == (AlertType.SERVER_DOWN, 7)
    assert "ready" in down.context["log_tail"]
    back = desk.stands("api", ServerState.UP)
    assert back.pid != view.pid
    assert back.restarts == 1
    assert desk.open() == []
    assert seen_s < 5.0  # the figure itself is the benchmark's


def test_each_exit_is_seen_by_its_pidfd_and_not_by_the_next_probe(desk: Desk) -> None:
    """Descriptors are numbered anew for each process: the same number is another process."""
    desk.serve(desk.spec())
    for _ in range(4):
        desk.supervisor.command("api", "restart").result(PATIENCE_S)
        view = desk.stands("api", ServerState.UP)
        kill(view.pid)
        until(lambda: bool(desk.open()), "the alert, long before a probe", 2.5)
        desk.stands("api", ServerState.UP)


def test_an_exit_at_once_is_a_crash_loop_with_the_last_words(desk: Desk) -> None:
    (desk.project / "exit").write_text("3")
    began = time.monotonic()
    view = desk.serve(desk.spec(start_limit_s=90.0), ServerState.CRASH_LOOP)
    assert time.monotonic() - began < 60.0  # 1 + 2 + 4 + 8 s of back-off: no limit was waited for
    assert view.last_exit is not None
    assert (view.last_exit.code, view.last_exit.reason) == (3, "ImportError: no module named shop")
    assert [news.title for news in desk.open()] == ["Server “api” is in a crash loop"]
    assert not any(news.resolved for news in desk.raised if news.type is AlertType.SERVER_DOWN)
    # A changed file of the project is worth another try.
    (desk.project / "exit").unlink()
    (desk.project / "shop.py").write_text("fixed = True\n")
    desk.stands("api", ServerState.UP)
    assert desk.open() == []


def test_a_server_that_hangs_is_down_and_restarted(desk: Desk) -> None:
    view = desk.serve(desk.spec())
    (desk.project / "hang").touch()
    until(lambda: bool(desk.open()), "the alert", 60.0)
    assert "No answer within 4 s" in desk.open()[0].message
    assert "ready" in desk.open()[0].context["log_tail"]
    (desk.project / "hang").unlink()
    until(lambda: desk.supervisor.view("api").pid not in (None, view.pid), "a new process", 60.0)
    desk.stands("api", ServerState.UP)


def test_a_stopped_process_is_down_as_paused_and_goes_on(desk: Desk) -> None:
    view = desk.serve(desk.spec())
    kill(view.pid, signal.SIGSTOP)
    until(lambda: bool(desk.open()), "the alert", 60.0)
    assert "paused" in desk.open()[0].message
    kill(view.pid, signal.SIGCONT)
    until(lambda: desk.open() == [], "the end of the alert", 60.0)
    assert desk.supervisor.view("api").pid == view.pid


def test_a_taken_port_is_named_and_the_server_starts_when_it_is_free(desk: Desk) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        view = desk.serve(desk.spec(port=other.getsockname()[1]), ServerState.FOREIGN)
        assert str(os.getpid()) in view.detail
        assert view.pid is None
        assert f"process {os.getpid()}" in desk.open()[0].message
    desk.stands("api", ServerState.UP)
    assert desk.open() == []


def test_a_port_that_another_watched_server_has_is_named_by_that(desk: Desk) -> None:
    first = desk.serve(desk.spec())
    port = int(first.spec.command[-1])
    second = msgspec.structs.replace(desk.spec(port=port), name="web")
    desk.supervisor.add(second, "serve").result(PATIENCE_S)
    view = desk.stands("web", ServerState.FOREIGN)
    assert view.detail == f"your server api (process {first.pid})"
    news = next(each for each in desk.open() if each.server == "web")
    assert news.title == "Server “web” finds its port taken"
    assert news.context["taken_by"] == view.detail


def test_another_process_that_takes_the_port_later_is_foreign(desk: Desk) -> None:
    """The server lives and answers nowhere: the answer on its port is another's."""
    port = free_port()
    with socket.socket() as other:
        spec = desk.spec(port=port, command=(sys.executable, "-c", "import time; time.sleep(1000)"))
        spec = ServerSettings(
            **{
                **{f: getattr(spec, f) for f in spec.__struct_fields__},
                "health": f"tcp://127.0.0.1:{port}",
            }
        )
        desk.serve(spec, ServerState.STARTING)
        until(lambda: desk.supervisor.view("api").pid is not None, "a process")
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        desk.stands("api", ServerState.FOREIGN)


def test_without_a_health_it_is_up_when_it_listens(desk: Desk) -> None:
    spec = desk.spec(health="", env={"DELAY": "0.5"})
    view = desk.serve(spec)
    assert view.url == f"http://127.0.0.1:{spec.command[-1]}"
    assert (view.started_in_s or 0) >= 0.5


def test_a_command_as_health_runs_in_the_servers_folder(desk: Desk) -> None:
    health = CommandHealth(command=("test", "-e", "healthy"))
    view = desk.serve(desk.spec(health=health), ServerState.STARTING)
    (desk.project / "healthy").touch()
    desk.stands("api", ServerState.UP)
    assert view.url is None


def test_a_program_that_is_not_executable_is_a_permission_error(desk: Desk) -> None:
    program = desk.project / "serve.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o640)
    desk.serve(desk.spec(command=("./serve.sh",)), ServerState.DOWN)
    found = {news.type: news for news in desk.open()}
    assert set(found) == {AlertType.PERMISSION_ERROR, AlertType.SERVER_DOWN}
    fault = found[AlertType.PERMISSION_ERROR]
    assert fault.context["mode"] == "0640"
    assert str(program) in fault.message
    assert "chmod" in fault.message
    assert "chmod" in found[AlertType.SERVER_DOWN].message


def test_a_program_that_is_not_there_is_named(desk: Desk) -> None:
    view = desk.serve(desk.spec(command=("no-such-program-anywhere",)), ServerState.DOWN)
    reason = "the program no-such-program-anywhere was not found"
    assert (view.detail, view.last_exit) == (reason, None)  # nothing has ended
    assert [news.type for news in desk.open()] == [AlertType.SERVER_DOWN]
    assert any(line.endswith(reason) for line in desk.supervisor.log_tail("api", 9))


def test_a_missing_program_is_tried_again_when_it_is_there(desk: Desk) -> None:
    desk.serve(desk.spec(command=("./serve",)), ServerState.DOWN)
    program = desk.project / "serve"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    desk.stands("api", ServerState.STARTING)


def test_a_shell_that_does_not_find_a_program_is_no_permission_error(desk: Desk) -> None:
    view = desk.serve(desk.spec(command=("sh", "-c", "no-such-program")), ServerState.RESTARTING)
    assert view.last_exit is not None
    assert view.last_exit.code == 127
    assert [news.type for news in desk.open()] == [AlertType.SERVER_DOWN]


def test_a_refused_file_is_named_with_mode_and_owner(desk: Desk) -> None:
    secret = desk.project / "key.pem"
    secret.write_text("")
    secret.chmod(0o000)
    script = f"import sys; sys.exit('PermissionError: [Errno 13] Permission denied: {secret}')"
    desk.serve(desk.spec(command=(sys.executable, "-c", script)), ServerState.RESTARTING)
    until(lambda: len(desk.open()) > 1, "both alerts")
    fault = next(news for news in desk.open() if news.type is AlertType.PERMISSION_ERROR)
    assert fault.context["path"] == str(secret)
    assert fault.context["mode"] == "0000"
    assert fault.context["owner"]
    assert "chmod" in fault.context["remedy"]


def test_a_restart_is_another_process_and_no_alert(desk: Desk) -> None:
    view = desk.serve(desk.spec())
    desk.supervisor.command("api", "restart").result(PATIENCE_S)
    until(lambda: desk.supervisor.view("api").pid not in (None, view.pid), "a new process")
    desk.stands("api", ServerState.UP)
    assert desk.open() == []
    lines = desk.supervisor.log_tail("api", 100)
    assert any("restarted on request" in line for line in lines)


def test_a_watch_only_server_is_not_started_and_not_ended(desk: Desk) -> None:
    spec = desk.spec(watch_only=True, command=())
    desk.supervisor.declare([spec]).result(PATIENCE_S)
    with pytest.raises(ServerRefusal, match="only watched"):
        desk.supervisor.command("api", "start").result(PATIENCE_S)
    with socket.socket() as other:
        port = int(str(spec.health).rpartition(":")[2].partition("/")[0])
        other.bind(("127.0.0.1", port))
        other.listen()
        tcp = desk.spec(name="db", watch_only=True, command=(), health=f"tcp://127.0.0.1:{port}")
        desk.supervisor.declare([tcp]).result(PATIENCE_S)
        view = desk.stands("db", ServerState.UP)
        until(lambda: desk.supervisor.view("db").pid == os.getpid(), "whose socket it is")
        assert view.restarts == 0


def test_unknown_names_are_answers(desk: Desk) -> None:
    with pytest.raises(UnknownServer, match="no server shop"):
        desk.supervisor.command("shop", "start").result(PATIENCE_S)
    with pytest.raises(UnknownServer):
        desk.supervisor.view("shop")


def test_what_no_settings_declare_is_added_and_removed(desk: Desk) -> None:
    spec = desk.spec(name="tmp")
    assert desk.supervisor.add(spec, "serve").result(PATIENCE_S).owner == "serve"
    view = desk.stands("tmp", ServerState.UP)
    with pytest.raises(ServerRefusal, match="runs already"):
        desk.supervisor.add(spec, "serve").result(PATIENCE_S)
    desk.supervisor.declare([]).result(PATIENCE_S)  # the settings have no say in it
    assert desk.supervisor.view("tmp").pid == view.pid
    desk.supervisor.remove("tmp").result(PATIENCE_S)
    until(lambda: desk.supervisor.views() == (), "the end of it")
    assert not psutil.pid_exists(view.pid or 0)


def test_a_server_is_adopted_by_the_next_supervisor(desk: Desk) -> None:
    spec = desk.spec()
    view = desk.serve(spec)
    assert desk.supervisor.stop()
    assert psutil.pid_exists(view.pid or 0)
    desk.supervisor = desk.another()
    desk.supervisor.start()
    desk.supervisor.declare([spec]).result(PATIENCE_S)
    again = desk.stands("api", ServerState.UP)
    assert (again.pid, again.up_since_at) == (view.pid, view.up_since_at)
    # Its end is seen although it is not our child any more.
    kill(view.pid)
    until(lambda: bool(desk.open()), "the alert")
    os.waitpid(view.pid or 0, 0)  # here it still is our child
    desk.stands("api", ServerState.UP)


def test_a_server_that_ended_while_nobody_watched_is_started_again(desk: Desk) -> None:
    spec = desk.spec()
    view = desk.serve(spec)
    assert desk.supervisor.stop()
    kill(view.pid)
    os.waitpid(view.pid or 0, 0)
    desk.supervisor = desk.another()
    desk.supervisor.start()
    desk.supervisor.declare([spec]).result(PATIENCE_S)
    until(lambda: any("while OmniTray was not running" in n.message for n in desk.raised), "word")
    assert desk.stands("api", ServerState.UP).pid != view.pid


def test_a_reused_pid_is_never_adopted_and_never_ended(desk: Desk) -> None:
    spec = desk.spec()
    desk.serve(spec)
    assert desk.supervisor.stop()
    file = desk.folder / "data" / "servers.json"
    pid = int(file.read_text().partition('"pid":')[2].partition(",")[0])
    innocent = psutil.Popen(["sleep", "100"], cwd="/")
    try:
        file.write_text(file.read_text().replace(f'"pid":{pid}', f'"pid":{innocent.pid}'))
        desk.supervisor = desk.another()
        desk.supervisor.start()
        desk.supervisor.declare([spec]).result(PATIENCE_S)
        until(lambda: desk.supervisor.view("api").state is ServerState.FOREIGN, "the real one")
        assert innocent.is_running()
        assert innocent.status() != "zombie"
    finally:
        innocent.kill()
        innocent.wait()
        kill(pid)
        os.waitpid(pid, 0)


def test_the_log_is_private_and_rotated_without_a_hole(desk: Desk) -> None:
    spec = desk.spec()
    desk.serve(spec)
    path = desk.folder / "logs" / "api.log"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    log = desk.supervisor._servers["api"].log
    log._max_bytes = 10
    assert log.rotate()
    assert path.with_name("api.log.1").stat().st_size > 10
    log.say("after")
    assert path.read_bytes().startswith(b"[omnitray]")


REDIS = shutil.which("redis-server")


def test_of_a_flood_the_end_is_kept(tmp_path: Path) -> None:
    found = ServerLog(tmp_path, "api")
    found.path.write_bytes(b"\0\xff" * MOST_KEPT_BYTES + b"\nlast words\n")
    assert found.rotate()
    kept = (tmp_path / "api.log.1").read_bytes()
    assert len(kept) == MOST_KEPT_BYTES
    assert kept.endswith(b"\nlast words\n")
    assert found.size() == 0


def test_a_server_that_goes_into_the_background_is_told_so(desk: Desk) -> None:
    program = "import os, sys, socket, time\nif os.fork(): os._exit(0)\nos.setsid()\n"
    program += "socket_ = socket.create_server(('127.0.0.1', int(sys.argv[1])))\ntime.sleep(1000)\n"
    spec = desk.spec()
    (desk.project / "server.py").write_text(program)
    view = desk.serve(spec, ServerState.FOREIGN)
    (alert,) = desk.open()
    assert "has left in the background" in alert.message
    assert "Have it stay in the foreground" in alert.message
    kill(int(view.detail.partition("process ")[2].partition(")")[0]))
    assert desk.supervisor.stop(end_servers=True, patience_s=20)
    # A second one that was started before the first had its port may be about to take the port.
    for process in left_in(desk.folder):
        kill(process.pid)
    until(lambda: not left_in(desk.folder), "the end of all")


def test_a_running_server_with_another_name_runs_on_under_that(desk: Desk) -> None:
    spec = desk.spec()
    before = desk.serve(spec)
    desk.raised.clear()
    desk.supervisor.declare([msgspec.structs.replace(spec, name="web")]).result(20)
    after = desk.stands("web", ServerState.UP)
    assert after.pid != before.pid
    assert [each.name for each in desk.supervisor.views()] == ["web"]
    assert desk.open() == []
    assert [each.title for each in desk.raised if not each.resolved] == []  # nothing in between


@pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")
def test_redis_is_up_when_its_port_answers(desk: Desk) -> None:
    port = free_port()
    command = ("redis-server", "--port", str(port), "--save", "", "--daemonize", "no")
    view = desk.serve(desk.spec(command=command, health=f"tcp://127.0.0.1:{port}"))
    kill(view.pid)
    until(lambda: bool(desk.open()), "the alert")
    assert desk.open()[0].context["signal"] == "SIGKILL"
    assert desk.stands("api", ServerState.UP).pid != view.pid


def test_uvicorn_with_an_application(desk: Desk) -> None:
    (desk.project / "shop.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'http':\n        return\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'ok'})\n"
    )
    port = free_port()
    command = (sys.executable, "-m", "uvicorn", "shop:app", "--port", str(port), "--workers", "2")
    view = desk.serve(desk.spec(command=command, health=f"http://127.0.0.1:{port}/"))
    workers = psutil.Process(view.pid).children(recursive=True)
    assert len(workers) >= 2
    kill(view.pid)  # its workers would keep the port
    until(lambda: desk.supervisor.view("api").pid not in (None, view.pid), "a new process", 60.0)
    desk.stands("api", ServerState.UP)
    until(lambda: all(has_ended(each.pid) for each in workers), "its workers have ended")


NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_a_node_server(desk: Desk) -> None:
    port = free_port()
    script = f"require('http').createServer((q, r) => r.end('ok')).listen({port}, '127.0.0.1')"
    view = desk.serve(desk.spec(command=("node", "-e", script), health=f"http://127.0.0.1:{port}"))
    kill(view.pid, signal.SIGTERM)
    until(lambda: bool(desk.open()), "the alert")
    assert desk.open()[0].context["signal"] == "SIGTERM"
    desk.stands("api", ServerState.UP)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ProbeResult.OK),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ProbeResult.OK),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            ProbeResult.OK,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n", ProbeResult.OK),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", ProbeResult.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-", ProbeResult.TIMEOUT),
    ],
)
def test_a_server_that_keeps_the_connection_counts_by_its_status(
    answer: bytes, result: ProbeResult
) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        kept: list[tuple[socket.socket, bytes]] = []

        def serve() -> None:
            link, _ = listener.accept()
            kept.append((link, link.recv(4096)))
            link.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        probed = check(f"http://[::1]:{port}/health", 1.0)
        thread.join()
        ((link, request),) = kept
        link.close()
    assert probed.result is result
    assert f"Host: [::1]:{port}\r\n".encode() in request
