"""Where address and key of a webhook are kept: in the keyring, or in files that only you can read.

Each time they are kept, they get a name of their own, so that what was there before stays whole
until the settings name the new place, and two webhooks never share one.

A keyring may hang, and the program may end or be killed between the two. So what is kept or let go
is written down first (:class:`Unsettled`), and the next start takes away what no settings name.
"""

import contextlib
import itertools
import logging
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from omnitray.base.durable import StorageError, make_folder, write_atomic
from omnitray.base.keyring import WRITE_S, KeyringError, keyring
from omnitray.base.paths import private_folder
from omnitray.settings.webhooks import WebhookSettings

log = logging.getLogger(__name__)
Place = Literal["keyring", "file"]
SECRETS = ("url", "secret")
PLACES = ("file", "keyring")
OURS = re.compile(r"[\w-]+\.(?:url|secret)-[0-9a-f]{8}")  # an entry that a person named is theirs


class Unsettled:
    """Names of secrets that are being kept or let go: an empty file each, for any thread."""

    _MOST = 100  # where a keyring is locked for good, each start tries so many again

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Those that an end may have left; none where they cannot be read."""
        try:
            found = (each.name for each in self._folder.iterdir() if OURS.fullmatch(each.name))
            return list(itertools.islice(found, self._MOST))
        except OSError:
            return []

    def add(self, name: str) -> None:
        """It is settled when it is discarded; raises StorageError."""
        make_folder(self._folder)
        write_atomic(self._folder / name, b"")

    def discard(self, name: str) -> None:
        """It is where the settings say, or gone; else the next start looks again."""
        with contextlib.suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)


class WebhookSecrets:
    """``folder`` holds the files; what is not settled stands beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unsettled = Unsettled(folder.with_name(".webhooks-unsettled"))

    def keep(self, fields: Mapping[str, Any], place: Place | None = None) -> dict[str, Any]:
        """The fields of a ``[[webhook]]`` with the secrets in them replaced by where they are now.

        None: in the keyring where there is one, else in a file.

        Raises:
            KeyringError: it cannot take them now.
            OSError, StorageError: the disk takes no file.
        """
        kept = dict(fields)
        made: dict[str, str] = {}
        for key in SECRETS:
            if text := str(kept.get(key) or "").strip():
                name = _name(str(fields["name"]), key)
                try:
                    self._unsettled.add(name)
                    where, value = self._put(name, f"OmniTray: {fields['name']}", text, place)
                except (OSError, StorageError):
                    self.forget(made)  # no settings will name what was kept before it
                    raise
                made[f"{key}_{where}"] = value
                kept |= {key: None, f"{key}_file": None, f"{key}_keyring": None, **made}
        return kept

    def forget(
        self, fields: Mapping[str, Any], but: WebhookSettings | None = None
    ) -> tuple[str, ...]:
        """Take away what these fields name and ``but`` does not, where it is ours.

        A sentence for each that could not be: where it is, and why it stays.
        """
        left: list[str] = []
        for key in SECRETS:
            file, entry = str(fields.get(f"{key}_file") or ""), fields.get(f"{key}_keyring") or ""
            is_entry = entry != getattr(but, f"{key}_keyring", "") and OURS.fullmatch(entry)
            is_file = file != getattr(but, f"{key}_file", "") and Path(file).parent == self._folder
            if not (is_entry or is_file):
                continue
            name = entry or Path(file).name
            try:
                with contextlib.suppress(StorageError):  # a full disk keeps nothing here
                    self._unsettled.add(name)
                if is_entry:
                    _remove_entry(entry)
                if is_file:
                    Path(file).unlink(missing_ok=True)
            except OSError as error:
                place = f"The entry {entry} stays in the keyring" if entry else f"{file} stays"
                left.append(f"{place}: {error.strerror or error}.")
                log.warning("%s", left[-1])
            else:
                self._unsettled.discard(name)
        return tuple(left)

    def settle(self, fields: Mapping[str, Any]) -> None:
        """The settings name what was kept."""
        for name in _names_in(fields):
            self._unsettled.discard(name)

    def take_away_left_over(self, webhooks: Iterable[WebhookSettings]) -> None:
        """At the start: take away what the settings do not name and an end has left half done."""
        named = {name for each in webhooks for name in _names_in(msgspec.structs.asdict(each))}
        for name in self._unsettled.names():
            try:
                if name not in named:
                    self._take_away(name)
            except OSError as error:
                log.info("what was kept for a webhook as %s stays for now: %s", name, error)
            else:
                self._unsettled.discard(name)

    def _take_away(self, name: str) -> None:
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            _remove_entry(name)

    def _put(self, name: str, label: str, text: str, place: Place | None) -> tuple[Place, str]:
        if place != "file":
            try:
                with keyring(WRITE_S) as found:
                    found.write(name, label, text)
            except KeyringError as error:
                if place == "keyring":
                    raise
                log.info("a webhook's address or key is kept in a file: %s", error)
            else:
                return "keyring", name
        private_folder(self._folder)
        path = self._folder / name
        write_atomic(path, f"{text}\n".encode())
        return "file", str(path)


def _remove_entry(entry: str) -> None:
    with keyring(WRITE_S) as found:
        found.remove(entry)


def _names_in(fields: Mapping[str, Any]) -> list[str]:
    """The names of files and entries that the fields of a webhook hold."""
    places = [str(fields.get(f"{key}_{where}") or "") for key in SECRETS for where in PLACES]
    return [Path(each).name for each in places if each]


def _name(webhook: str, key: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_-]", "-", webhook)
    return f"{safe}.{key}-{os.urandom(4).hex()}"
