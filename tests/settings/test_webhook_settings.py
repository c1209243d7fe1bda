"""``[[webhook]]`` in the settings: read one by one, and never a secret in what is said."""

from pathlib import Path

import pytest

from omnitray.base.facts import AlertType, Severity
from omnitray.settings.check import unknown
from omnitray.settings.file import Loaded, load, parse, remove_table, save_webhook
from omnitray.settings.webhooks import (
    PAGERDUTY_URL,
    SecretFault,
    WebhookFault,
    WebhookKind,
    WebhookSettings,
    address_of,
    read_secret,
    secret_of,
    webhook_of_table,
)

ADDRESS = "https://hooks.example/services/T0/B0/verysecretpart"


def test_a_whole_webhook_is_read() -> None:
    (webhook,) = parse(
        f"""
        [[webhook]]
        name = "on call"
        kind = "slack"
        url = "{ADDRESS}"
        from = "warning"
        types = ["SERVER_DOWN"]
        resolved = false
        quiet = ["22:00-07:00"]
        """
    ).webhooks
    assert webhook == WebhookSettings(
        name="on call",
        kind="slack",
        url=ADDRESS,
        severity=Severity.WARNING,
        types=(AlertType.SERVER_DOWN,),
        resolved=False,
        quiet=("22:00-07:00",),
    )
    assert "verysecretpart" not in repr(webhook)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('kind = "pager"', "kind"),
        ('name = ""', "name"),
        ('name = "a/b"', "name"),
        ('url = "ftp://verysecretpart.example"', "url"),
        ('url = "verysecretpart"', "url"),
        ('url_file = "x"', "url_file"),
        ('from = "loud"', "from"),
        ('types = ["FIRE"]', "types"),
        ('quiet = ["25:00-26:00"]', "quiet"),
        ("resolved = 3", "resolved"),
        ('password = "verysecretpart"', "password"),
        ('secret = "verysecretpart"\nsecret_file = "y"', "secret_file"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_secret(line: str, key: str) -> None:
    base = {"name": '"team"', "kind": '"slack"', "url": f'"{ADDRESS}"'}
    base.pop(line.partition(" ")[0], None)
    text = "[[webhook]]\n" + "\n".join(f"{k} = {v}" for k, v in base.items()) + f"\n{line}\n"
    loaded = parse(text)
    assert loaded.webhooks == ()
    (problem,) = loaded.problems
    assert problem.key == f"webhook.{key}"
    assert text.splitlines()[problem.line - 1].startswith(f"{key} = ")
    assert "verysecretpart" not in problem.sentence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('from = "loud"', 'from = "loud": the value is not allowed; allowed: one of info, warning'),
        ('types = ["FIRE"]', 'types = ["FIRE"]: the value is not allowed; allowed: one of PERM'),
        ("quiet = [5]", "quiet = [5]: the value is not allowed; allowed: Expected `str`"),
    ],
)
def test_of_a_word_that_there_is_not_those_of_its_own_field_are_named(line: str, said: str) -> None:
    loaded = parse(f'[[webhook]]\nname = "team"\nkind = "slack"\nurl = "{ADDRESS}"\n{line}\n')
    (problem,) = loaded.problems
    assert problem.sentence.startswith(f"line 5: webhook.{said}")
    assert ("SERVER_DOWN" in problem.sentence) is line.startswith("types")


def test_two_of_one_name_are_one_too_many() -> None:
    one = f'[[webhook]]\nname = "a"\nkind = "slack"\nurl = "{ADDRESS}"\n'
    loaded = parse(one + one)
    assert len(loaded.webhooks) == 1
    assert loaded.problems[0].line == 6


def test_pagerduty_needs_a_key_and_no_address() -> None:
    with pytest.raises(WebhookFault):
        webhook_of_table({"name": "a", "kind": "pagerduty"})
    webhook = webhook_of_table({"name": "a", "kind": "pagerduty", "secret": "rk"})
    assert address_of(webhook) == PAGERDUTY_URL
    assert secret_of(webhook) == "rk"


def test_a_secret_file_must_be_private(tmp_path: Path) -> None:
    file = tmp_path / "team.url"
    file.write_text(f"{ADDRESS}\n")
    file.chmod(0o644)
    with pytest.raises(SecretFault, match="chmod 600") as fault:
        read_secret(str(file))
    assert "verysecretpart" not in str(fault.value)
    file.chmod(0o600)
    assert read_secret(str(file)) == ADDRESS
    file.write_text("two\nlines")
    with pytest.raises(SecretFault):
        read_secret(str(file))
    with pytest.raises(SecretFault, match="cannot be read"):
        read_secret(str(tmp_path / "none"))


def test_a_webhook_is_added_changed_and_removed_without_loss(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('# mine\nmode = "test"\n')
    file.chmod(0o600)
    fields = {"name": "team", "kind": "json", "url": "https://x.example/"}
    assert isinstance(save_webhook(file, fields), Loaded)
    assert isinstance(save_webhook(file, {"name": "team", "paused": True}), Loaded)
    (webhook,) = load(file).webhooks
    assert (webhook.kind, webhook.paused) == ("json", True)
    refused = save_webhook(file, {"name": "team", "kind": "smoke"})
    assert not isinstance(refused, Loaded)
    assert refused.key == "webhook.kind"
    assert isinstance(remove_table(file, "webhook", "team"), Loaded)
    assert load(file).webhooks == ()
    assert file.read_text().startswith('# mine\nmode = "test"')


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "smtp://me:pass#canary@host/?to=you@example.org"),
        ("email", "smtp://me:can/ary:canary@host/"),
        ("slack", "https://[canary/services"),
        ("slack", "canary"),
    ],
)
def test_an_address_in_a_file_is_checked_and_not_repeated(
    tmp_path: Path, kind: WebhookKind, text: str
) -> None:
    file = tmp_path / "address"
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(SecretFault) as found:
        address_of(WebhookSettings(name="x", kind=kind, url_file=str(file)))
    assert str(found.value).startswith(f"{file} does not hold ")
    assert "canary" not in str(found.value).removeprefix(str(file))


def test_a_text_of_a_key_that_there_is_not_is_not_repeated() -> None:
    problem = unknown("webhok.url", "https://x/canary")
    assert "canary" not in problem.sentence
    assert "webhok.url = …: there is no such setting" in problem.sentence
