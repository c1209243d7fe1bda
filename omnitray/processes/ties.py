"""What ties a process to the person at the screen: the reasons never to pause it.

A stopped X11 client that owns the clipboard or a grab freezes the whole desktop; a stopped
sound stream stutters; a stopped owner of a bus name makes its callers wait. Where it cannot be
found out, that is a tie of its own: what is not known to be headless is not paused.
"""

import enum


class Tie(enum.StrEnum):
    """One thing that a pause would break; the value is the word that is shown."""

    DISPLAY = "has a window or a tray icon"
    SOUND = "is playing or recording sound"
    BUS_NAME = "serves others on the session bus"
    TYPED_INTO = "is being typed into"
    UNKNOWN = "cannot be looked into"
