"""What is kept of a table from run to run. No widgets: the tray reads the window's place."""

import msgspec


class TableState(msgspec.Struct, frozen=True, kw_only=True):
    """How the person has arranged a table; nothing in it is what the program would do itself.

    ``order`` has the logical columns from left to right. ``sort`` is a column, -1 for none.
    """

    widths: dict[int, float] = {}  # in widths of an M, by logical column
    order: tuple[int, ...] = ()
    sort: int = -1
    descending: bool = True
