"""What programs have open now, asked through psutil: slow, but good enough once in a while."""

import psutil

from omnitray.cleanup.facts import FileId
from omnitray.cleanup.walk import device_of, path_identity

__all__ = ["mount_id", "open_files"]

mount_id = device_of  # what these systems tell without more


def open_files() -> frozenset[FileId]:
    """Files that any process of ours has open, runs from, or works in."""
    paths: set[str] = set()
    for process in psutil.process_iter(["cwd", "exe", "open_files"]):
        known = process.info
        paths.update(path for path in (known["cwd"], known["exe"]) if path)
        paths.update(each.path for each in known["open_files"] or ())
    identities = (path_identity(path) for path in paths)
    return frozenset(each for each in identities if each is not None)
