"""The settings in force: the instance that runs knows them, else the file says it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from omnitray.api.wire import SettingsBody, StatusBody
from omnitray.base.paths import Paths
from omnitray.client.http import NotRunning, RequestFailed, find_remote
from omnitray.settings.file import load


def settings_problems(paths: Paths) -> tuple[str, ...]:
    """Sentences; an instance may go on with what was in force before the file became what it is."""
    try:
        return find_remote(paths).get("/status", StatusBody).settings_problems
    except (NotRunning, RequestFailed):
        name = paths.config_file.name
        return tuple(each.told(name) for each in load(paths.config_file).problems)


class InForce(msgspec.Struct, frozen=True):
    """A setting that is in force with another value than the file's, and why."""

    value: Any
    why: str


NOT_YET = "OmniTray has not taken up the file yet"


def other_than(values: Mapping[str, Any], paths: Paths) -> dict[str, InForce]:
    """Which of the file's values are not in force; none where no instance runs."""
    try:
        body = find_remote(paths).get("/settings", SettingsBody)
    except (NotRunning, RequestFailed):
        return {}
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
    return {
        key: InForce(body.values[key], body.why.get(key, NOT_YET))
        for key, value in found.items()
        if body.values.get(key, value) != value
    }
