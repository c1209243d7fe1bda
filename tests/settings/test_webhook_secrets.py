"""Address and key of a webhook: kept in the keyring or in a file, and taken away with it."""

import errno
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.base.durable import StorageError, write_atomic
from omnitray.base.keyring import KeyringError
from omnitray.settings.webhook_secrets import WebhookSecrets
from omnitray.settings.webhooks import (
    SecretFault,
    WebhookFault,
    address_of,
    secret_of,
    webhook_of_table,
)
from support.desktop import Desktop
from support.keyring_service import KeyringService

ADDRESS = "https://hooks.example/services/T0/verysecretpart"
FIELDS = {"name": "on call", "kind": "json", "url": ADDRESS, "secret": "whsec_verysecretpart"}


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    found = Desktop(tmp_path, None)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", found.bus_address)
    yield found
    found.stop()


@pytest.fixture
def service(desktop: Desktop) -> Iterator[KeyringService]:
    with KeyringService(desktop.bus_address) as found:
        yield found


@pytest.fixture
def no_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/does/not/exist")


def table(kept: dict[str, object]) -> dict[str, object]:
    """As the settings hold it."""
    return {key: value for key, value in kept.items() if value is not None}


def test_where_there_is_a_keyring_the_settings_name_entries_of_it(
    service: KeyringService, tmp_path: Path
) -> None:
    secrets = WebhookSecrets(tmp_path / "webhooks")
    kept = table(secrets.keep(FIELDS))
    assert "verysecretpart" not in str(kept)
    assert sorted(kept) == ["kind", "name", "secret_keyring", "url_keyring"]
    webhook = webhook_of_table(kept)
    assert (address_of(webhook), secret_of(webhook)) == (ADDRESS, FIELDS["secret"])
    assert webhook.kept_in == "keyring"
    assert not (tmp_path / "webhooks").exists()
    again = table(secrets.keep(FIELDS | {"url": f"{ADDRESS}2", "secret": ""}))
    assert again["url_keyring"] != kept["url_keyring"]  # what was there stays until it is let go
    assert address_of(webhook) == ADDRESS
    secrets.forget(kept, but=webhook)
    assert address_of(webhook) == ADDRESS
    service.entries.clear()
    with pytest.raises(SecretFault, match="it has no entry") as found:
        address_of(webhook)
    assert "verysecretpart" not in str(found.value)


def test_without_a_keyring_they_stand_in_files_of_their_own(no_bus: None, tmp_path: Path) -> None:
    assert no_bus is None
    secrets = WebhookSecrets(tmp_path / "webhooks")
    kept, other = (table(secrets.keep(FIELDS | {"name": name})) for name in ("a b", "a.b"))
    files = {Path(str(each[key])) for each in (kept, other) for key in ("url_file", "secret_file")}
    assert len(files) == 4  # names that look alike share none
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    webhook = webhook_of_table(kept)
    assert (address_of(webhook), secret_of(webhook)) == (ADDRESS, FIELDS["secret"])
    assert webhook.kept_in == "file"
    secrets.forget(kept)
    assert [each for each in files if each.exists()] == [
        each for each in files if str(each) in other.values()
    ]
    with pytest.raises(KeyringError, match="there is no keyring"):
        secrets.keep(FIELDS, "keyring")


def test_an_address_does_not_stay_where_its_key_could_not_be_kept(
    no_bus: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del no_bus
    folder = tmp_path / "webhooks"
    written: list[Path] = []

    def full_after_one(path: Path, data: bytes) -> None:
        if path.parent == folder and written:
            raise StorageError(path, OSError(errno.ENOSPC, "No space left on device"))
        written.extend([path] if path.parent == folder else [])
        write_atomic(path, data)

    monkeypatch.setattr("omnitray.settings.webhook_secrets.write_atomic", full_after_one)
    with pytest.raises(StorageError):
        WebhookSecrets(folder).keep(FIELDS)
    assert len(written) == 1
    assert list(folder.iterdir()) == []


def test_a_locked_keyring_is_passed_over(service: KeyringService, tmp_path: Path) -> None:
    service.locked = True
    secrets = WebhookSecrets(tmp_path / "webhooks")
    assert "url_file" in table(secrets.keep(FIELDS))
    assert service.entries == {}
    with pytest.raises(KeyringError, match="locked"):
        secrets.keep(FIELDS, "keyring")


def test_what_a_person_put_there_is_not_taken_away(service: KeyringService, tmp_path: Path) -> None:
    secrets = WebhookSecrets(tmp_path / "webhooks")
    mine = tmp_path / "mine.url"
    mine.write_text(ADDRESS)
    service.entries["/x"] = ({"application": "omnitray", "entry": "team"}, ADDRESS.encode())
    secrets.forget({"url_file": str(mine)})
    secrets.forget({"url_keyring": "team"})
    secrets.forget({"url_keyring": str(mine)})  # an entry of any name, which is no path
    secrets.forget({"url_keyring": f"../{mine.name}"})
    assert mine.exists()
    assert "/x" in service.entries
    ours = table(secrets.keep(FIELDS | {"secret": ""}))
    secrets.forget(ours)
    assert list(service.entries) == ["/x"]


@pytest.mark.expect_log("stays|not taken away")
def test_a_locked_entry_that_stays_is_said(service: KeyringService, tmp_path: Path) -> None:
    secrets = WebhookSecrets(tmp_path / "webhooks")
    kept = table(secrets.keep(FIELDS | {"secret": ""}))
    service.locked = True
    secrets.forget(kept)
    assert len(service.entries) == 1


@pytest.mark.parametrize("text", ["", "two\nlines", "x" * 5000, "ftp://verysecretpart.example"])
def test_an_entry_that_holds_no_address_is_named_without_it(
    service: KeyringService, text: str
) -> None:
    service.entries["/x"] = ({"application": "omnitray", "entry": "team"}, text.encode())
    webhook = webhook_of_table({"name": "a", "kind": "slack", "url_keyring": "team"})
    with pytest.raises(SecretFault, match="the entry team of the keyring") as found:
        address_of(webhook)
    assert "verysecretpart" not in str(found.value)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"url": ADDRESS, "url_keyring": "x"}, "url_keyring"),
        ({"url_file": "/x", "url_keyring": "x"}, "url_keyring"),
        ({"url_keyring": "x", "secret": "verysecretpart", "secret_keyring": "y"}, "secret_keyring"),
        ({"url_keyring": "no\nline"}, "url_keyring"),
        ({"url_keyring": " x"}, "url_keyring"),
    ],
)
def test_one_place_for_each(more: dict[str, str], key: str) -> None:
    with pytest.raises(WebhookFault) as found:
        webhook_of_table({"name": "a", "kind": "json", **more})
    assert found.value.key == key
    assert "verysecretpart" not in str(found.value)


def test_a_routing_key_may_stand_in_the_keyring() -> None:
    webhook = webhook_of_table({"name": "a", "kind": "pagerduty", "secret_keyring": "k"})
    assert webhook.kept_in == "keyring"
    assert webhook_of_table({"name": "a", "kind": "json", "url": ADDRESS}).kept_in == "settings"
