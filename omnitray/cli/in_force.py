"""What is wrong with the settings in force: the instance that runs knows, else the file says it."""

from omnitray.api.wire import StatusBody
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
