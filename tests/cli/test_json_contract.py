"""``--json`` is one valid JSON value on standard output, whatever becomes of the command."""

import argparse
import json
from pathlib import Path

import pytest

from omnitray.alerts.channels.webhooks.standing import WebhookTest
from omnitray.api import facade as d
from omnitray.cli import parser
from omnitray.cli.parser import build_parser
from omnitray.cli.terminal import asks_for_json
from support.api_server import Running

ALL = sorted(
    name
    for action in build_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
    for name in action.choices
)


def status_of(words: tuple[str, ...]) -> int:
    try:
        return parser.main(words)
    except SystemExit as leaving:
        return int(leaving.code or 0)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ALL)
def test_every_command_says_as_json_what_is_wrong_with_its_words(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status = status_of((name, "--json", "--no-such-option"))
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert (told["error"], bool(told["detail"]), err) == ("usage", True, "")
    assert status == (125 if name == "run" else 2)


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (("alerts", "--since", "soon"), 2, "usage"),
        (("protect", "add"), 2, "usage"),
        (("serve", "NAME", "--", "true"), 2, "usage"),
        (("serve", "x", "--health", "gopher://x", "--", "true"), 2, "usage"),
        (("uninstall",), 2, "usage"),
        (("ack", ""), 2, "usage"),
        (("undo", ""), 2, "usage"),
        (("pause", ""), 2, "usage"),
        (("settings", "no.such"), 1, "not_found"),
        (("settings", "thresholds.cpu.warning", "200"), 1, "invalid"),
        (("record", "there.jsonl.xz"), 1, "failed"),
        (("record", "no-folder/x.jsonl.xz"), 1, "failed"),
        (("quit",), 1, "not_running"),
    ],
)
def test_a_refusal_is_an_error_object(
    words: tuple[str, ...],
    status: int,
    error: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(home)
    (home / "there.jsonl.xz").touch()
    found = status_of((words[0], "--json", *words[1:]))
    out, err = capsys.readouterr()
    assert (found, json.loads(out)["error"], err) == (status, error, "")


@pytest.mark.parametrize("extra", [(), ("--json",)], ids=["words", "json"])
def test_a_webhook_that_is_not_taken_fails_in_both_forms(
    extra: tuple[str, ...], api: Running
) -> None:
    refused = WebhookTest(
        name="team", arrived=False, words="answered 500", body="", took_s=0.1, at=0.0
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(api.door._ways, d.TestWebhook, lambda _: refused)
        code = status_of(("webhook", "test", "team", *extra))
    assert code == 1


def test_words_of_a_command_are_not_ours() -> None:
    assert asks_for_json(("serve", "--json", "x", "--", "true"))
    assert not asks_for_json(("serve", "x", "--", "true", "--json"))


def test_refusals_are_whole_sentences(api: Running) -> None:
    asked = (
        ("POST", "/api/monitoring/questions/q77", {"answer": "pause"}),
        ("POST", "/api/monitoring/jobs/action", {"job": "nobody", "action": "pause"}),
        ("GET", "/api/monitoring/servers/nosuch/log", None),
        ("GET", "/api/monitoring/alerts/nosuch/deliveries", None),
    )
    for method, path, body in asked:
        answer = api.ask(method, path, body)
        detail = answer.json["detail"]
        assert (answer.status, answer.json["error"]) == (404, d.Refusal.NOT_FOUND)
        assert detail[0].isupper()
        assert detail.endswith(".")


def test_the_socket_asks_for_an_upgrade(api: Running) -> None:
    answer = api.ask("GET", "/ws")
    assert (answer.status, answer.json["error"]) == (400, "no_upgrade")
