"""The bodies that the local API takes. Unknown fields are refused: a typing error is one."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from omnitray.api.wire import LevelName
from omnitray.base.facts import AlertType, Mode, Severity

Title = Annotated[str, Meta(min_length=1, max_length=16_384)]
Text = Annotated[str, Meta(max_length=20_000)]
Source = Annotated[str, Meta(min_length=1, max_length=200)]


class NewAlert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alert to raise."""

    type: AlertType
    title: Title
    message: Text = ""
    severity: Severity | None = None
    source: Source = "api"
    context: dict[str, Any] = {}


class NewMode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mode to set."""

    mode: Mode


class NewLevel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A level to set; ``auto`` lets the monitor choose."""

    level: LevelName


class NewSnooze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to hold notifications back; 0 ends it, a week is the most."""

    duration_s: Annotated[float, Meta(ge=0, le=604_800)]


class NewClean(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Clean caches, or only say what that would free."""

    dry_run: bool = False


class Nothing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An empty object, or no body at all."""
