"""Where address and key of a webhook are kept: in the keyring, or in files that only you can read.

Each time they are kept, they get a name of their own, so that what was there before stays whole
until the settings name the new place, and two webhooks never share one.
"""

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from omnitray.base.durable import StorageError, write_atomic
from omnitray.base.keyring import WRITE_S, KeyringError, keyring
from omnitray.base.paths import private_folder
from omnitray.settings.webhooks import WebhookSettings

log = logging.getLogger(__name__)
Place = Literal["keyring", "file"]
SECRETS = ("url", "secret")
OURS = re.compile(r"[\w-]+\.(?:url|secret)-[0-9a-f]{8}")  # an entry that a person named is theirs


class WebhookSecrets:
    """``folder`` holds the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
            try:
                if entry != getattr(but, f"{key}_keyring", "") and OURS.fullmatch(entry):
                    with keyring(WRITE_S) as found:
                        found.remove(entry)
                if file != getattr(but, f"{key}_file", "") and Path(file).parent == self._folder:
                    Path(file).unlink(missing_ok=True)
            except OSError as error:
                place = f"The entry {entry} stays in the keyring" if entry else f"{file} stays"
                left.append(f"{place}: {error.strerror or error}.")
                log.warning("%s", left[-1])
        return tuple(left)

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


def _name(webhook: str, key: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_-]", "-", webhook)
    return f"{safe}.{key}-{os.urandom(4).hex()}"
