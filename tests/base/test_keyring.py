"""Secrets in the desktop's keyring: GNOME's own, and one that answers as no keyring should."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from omnitray.base.keyring import KeyringError, keyring, why_not
from support.dbus_service import BUS, BUS_PATH, Caller, Result
from support.desktop import Desktop
from support.keyring_service import SECRETS, KeyringService, gnome_keyring, lock

ADDRESS = "https://hooks.example/services/T0/ünïcode"
PATIENCE_S = 10.0  # no answer takes as long


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


def read(entry: str) -> str:
    with keyring(PATIENCE_S) as found:
        return found.read(entry)


def write(entry: str, secret: str) -> None:
    with keyring(PATIENCE_S) as found:
        found.write(entry, f"OmniTray: {entry}", secret)


def test_gnome_keyring_keeps_replaces_and_forgets_a_secret(desktop: Desktop) -> None:
    with gnome_keyring(desktop):
        assert why_not(PATIENCE_S) == ""
        write("team.url", "before")
        write("team.url", ADDRESS)
        write("team.url-2", "another")
        assert read("team.url") == ADDRESS
        with keyring(PATIENCE_S) as found:
            found.remove("team.url")
            found.remove("team.url")  # gone already
        with pytest.raises(KeyringError, match=r"it has no entry team\.url"):
            read("team.url")
        assert read("team.url-2") == "another"
        lock(desktop)
        for act in (lambda: read("team.url-2"), lambda: write("x", "y")):
            with pytest.raises(KeyringError, match="the keyring is locked"):
                act()
        assert why_not(PATIENCE_S) == "the keyring is locked"
    files = [each for each in desktop.home.rglob("*.keyring") if each.is_file()]
    assert files, "it has a file of its own"
    assert not [each for each in files if ADDRESS.encode() in each.read_bytes()]


def test_an_entry_that_a_person_put_there_is_found(service: KeyringService) -> None:
    by_hand = {
        "application": "omnitray",
        "entry": "team",
        "xdg:schema": "org.freedesktop.Secret.Generic",
    }
    service.entries["/org/freedesktop/secrets/collection/login/7"] = (by_hand, ADDRESS.encode())
    assert read("team") == ADDRESS


def test_what_is_written_can_be_told_apart_in_a_list_of_secrets(service: KeyringService) -> None:
    write("team.url", ADDRESS)
    ((attributes, value),) = service.entries.values()
    assert attributes == {
        "application": "omnitray",
        "entry": "team.url",
        "xdg:schema": "org.omnitray.Webhook",
    }
    assert value.decode() == ADDRESS
    assert service.labels == ["OmniTray: team.url"]
    assert ADDRESS not in repr(service.labels)


def test_a_locked_keyring_is_not_asked_to_open(service: KeyringService) -> None:
    write("team.url", ADDRESS)
    service.locked = True
    service.asked.clear()
    with pytest.raises(KeyringError, match="the keyring is locked"):
        read("team.url")
    with pytest.raises(KeyringError, match="the keyring is locked"):
        write("team.url", "other")
    with keyring(PATIENCE_S) as found, pytest.raises(KeyringError, match="locked"):
        found.remove("team.url")
    assert not {"Unlock", "Prompt", "CreateItem", "Delete", "GetSecrets"} & set(service.asked)


@pytest.mark.parametrize(
    ("method", "answer", "said"),
    [
        ("SearchItems", ("s", ("x",)), "does not answer as it should"),
        ("SearchItems", (None, ()), "does not answer as it should"),
        ("OpenSession", ("s", ("x",)), "does not answer as it should"),
        ("GetSecrets", ("a{os}", ({"/x": ADDRESS},)), "does not answer as it should"),
        ("GetSecrets", ("a{o(oayays)}", ({},)), "the keyring is locked"),
        ("ReadAlias", ("o", ("/",)), "it has no default keyring"),
        ("Get", ("v", (("s", "no"),)), "does not answer as it should"),
        ("CreateItem", ("oo", ("/", "/prompt")), "asks for a password first"),
        ("Delete", ("o", ("/prompt",)), "asks for a password first"),
    ],
)
def test_an_answer_of_another_form_is_one_error_without_its_text(
    service: KeyringService, method: str, answer: Result, said: str
) -> None:
    write("team", ADDRESS)
    service.answers[method] = answer

    def ask_all() -> None:
        with keyring(PATIENCE_S) as asked:
            asked.read("team")
            asked.write("team", "label", ADDRESS)
            asked.remove("team")

    with pytest.raises(KeyringError, match=said) as found:
        ask_all()
    assert ADDRESS not in f"{found.value!r} {found.value.__cause__!r}"


def test_a_secret_that_is_no_text_is_named(service: KeyringService) -> None:
    write("team", ADDRESS)
    (path,) = service.entries
    service.entries[path] = (service.entries[path][0], b"\xff\xfe")
    with pytest.raises(KeyringError, match="its entry team is no text"):
        read("team")


def test_a_keyring_that_hangs_costs_no_more_than_the_time_given(desktop: Desktop) -> None:
    silent = Caller(desktop.bus_address)  # it has the name and reads nothing
    silent.call(BUS, BUS_PATH, BUS, "RequestName", "su", SECRETS, 4)
    try:
        with pytest.raises(KeyringError, match="does not answer"), keyring(0.2) as found:
            found.read("team")
    finally:
        silent.close()


def test_a_bus_without_a_keyring_says_so(desktop: Desktop) -> None:
    assert desktop.bus_address
    assert why_not(PATIENCE_S) == (
        "there is no keyring: no program answers as org.freedesktop.secrets"
    )


def test_a_session_without_a_bus_has_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/does/not/exist")
    assert why_not(PATIENCE_S).startswith("there is no keyring: ")
