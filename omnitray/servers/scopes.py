"""The seam to what keeps the processes of a server together beyond its session."""

from typing import Protocol


class Scopes(Protocol):
    """Groups of processes that the platform keeps together (systemd scopes)."""

    def adopt(self, name: str, pid: int) -> str:
        """Move a fresh process into a group of its own; the group, empty where there is none."""
        ...

    def members(self, group: str) -> frozenset[int]:
        """The pids in a group; empty for one that is gone."""
        ...


class NoScopes:
    """Where the session's manager has none."""

    def adopt(self, name: str, pid: int) -> str:
        """Nothing to move it into."""
        del name, pid
        return ""

    def members(self, group: str) -> frozenset[int]:
        """Nothing is in it."""
        del group
        return frozenset()
