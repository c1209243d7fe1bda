"""The recipe "Add an endpoint and its command" of CONTRIBUTING, with its own code."""

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from omnitray.api import endpoints, routes
from omnitray.api.handlers import Call
from omnitray.base.paths import find_paths
from omnitray.cli.dispatch import CommandContext
from omnitray.cli.terminal import Terminal
from omnitray.cli.times import local_now
from support.api_server import running
from support.recipes import code_of


def test_an_endpoint_is_a_handler_and_a_row_and_its_command_a_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handler, row, command = code_of("Add an endpoint and its command")
    written: dict[str, Any] = {"__name__": "warm", "msgspec": msgspec, "Call": Call}
    exec(compile(handler, "warm.py", "exec"), written)  # noqa: S102 - of our own guide
    modules = {"handlers": SimpleNamespace(**written), "wire": SimpleNamespace(**written)}
    (added,) = eval(f"({row.strip()})", {"_get": endpoints._get, **modules})  # noqa: S307 - likewise
    monkeypatch.setattr(routes, "ENDPOINTS", (*endpoints.ENDPOINTS, added))
    names: dict[str, Any] = {"argparse": argparse, "CommandContext": CommandContext}
    names["Temperature"] = written["Temperature"]
    exec(compile(command, "status.py", "exec"), names)  # noqa: S102 - likewise
    paths = find_paths({"OMNITRAY_HOME": str(tmp_path)})
    context = CommandContext(paths, Terminal(), local_now())
    with running(tmp_path) as server:
        answer = server.ask("GET", "/api/monitoring/temperature")
        assert (answer.status, answer.json) == (200, {"mode": "dev"})
        assert names["temperature"](argparse.Namespace(json=False), context) == 0
        assert names["temperature"](argparse.Namespace(json=True), context) == 0
        assert capsys.readouterr().out == 'mode dev\n{"mode":"dev"}\n'
        document = server.ask("GET", "/api/openapi.json").json
    assert "/api/monitoring/temperature" in document["paths"]
