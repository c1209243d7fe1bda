"""The recipe "Add an endpoint and its command" of CONTRIBUTING, as far as the API goes."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from omnitray.api import endpoints, routes
from omnitray.api.handlers import Call
from support.api_server import running
from support.recipes import code_of


def test_an_endpoint_is_a_handler_and_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, row = code_of("Add an endpoint and its command")
    written: dict[str, Any] = {"__name__": "warm", "msgspec": msgspec, "Call": Call}
    exec(compile(handler, "warm.py", "exec"), written)  # noqa: S102 - of our own guide
    (added,) = eval(f"({row.strip()})", {"_get": endpoints._get, **written})  # noqa: S307 - likewise
    monkeypatch.setattr(routes, "ENDPOINTS", (*endpoints.ENDPOINTS, added))
    with running(tmp_path) as server:
        answer = server.ask("GET", "/api/monitoring/temperature")
        assert (answer.status, answer.json) == (200, {"mode": "dev"})
        document = server.ask("GET", "/api/openapi.json").json
    assert "/api/monitoring/temperature" in document["paths"]
