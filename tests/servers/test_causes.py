"""What a server that has ended said of the cause: no line of another kind stands for it."""

import time

import pytest

from omnitray.servers.logs import cause_in
from omnitray.servers.model import ServerExit
from omnitray.servers.reports import exit_words

REQUEST = '127.0.0.1 - - [28/Nov/2026 12:34:29] "GET / HTTP/1.1" 200 -'


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (("ImportError: no module named shop",), "ImportError: no module named shop"),
        (("cart cache holds 3.1 GB, limit 2.0 GB", ""), "cart cache holds 3.1 GB, limit 2.0 GB"),
        ((REQUEST,), ""),
        (("Serving HTTP on 0.0.0.0 port 8000 ...", REQUEST), ""),
        (('INFO:     127.0.0.1:5 - "GET /x HTTP/1.1" 500 Internal Server Error',), ""),
        (("GET /cart 200 3.1 ms",), ""),
        (
            ("ValueError: no cart", "INFO:     Application shutdown complete."),
            "ValueError: no cart",
        ),
        (('{"level":"error","msg":"no disk"}',), '{"level":"error","msg":"no disk"}'),
        (('{"level":"info","msg":"bye"}',), ""),
        ((), ""),
    ],
)
def test_the_cause_is_a_line_about_it(lines: tuple[str, ...], cause: str) -> None:
    assert cause_in(lines) == cause


@pytest.mark.parametrize("piece", ["GET /", "GET ", "x"])
def test_a_line_of_a_quarter_of_a_megabyte_holds_up_no_other_server(piece: str) -> None:
    line = piece + piece[-1] * 250_000 if piece != "GET " else piece * 60_000
    began_s = time.process_time()
    assert cause_in((line, "INFO: bye")) == ""
    assert time.process_time() - began_s < 2.0


def test_what_omnitray_has_ended_is_said_once() -> None:
    asked = ServerExit(signal="SIGTERM", reason="ended by OmniTray")
    assert exit_words(asked) == "ended by OmniTray, SIGTERM"
    assert exit_words(asked.because("not ready within 90 s")) == (
        "ended by OmniTray: not ready within 90 s, SIGTERM"
    )
    assert asked.because("") is asked
    other = ServerExit(signal="SIGTERM", reason="not by OmniTray")
    assert exit_words(other) == "ended by SIGTERM, not by OmniTray"
