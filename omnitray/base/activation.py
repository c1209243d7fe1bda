"""The activation token: the desktop's right for a window to come to the front."""

LONGEST = 1024  # compositors give 20 to 40 letters, GNOME's names hold the program and its host


def usable_token(token: str) -> str:
    """The token, or nothing where it cannot be one: it becomes an environment variable."""
    return token if len(token) <= LONGEST and token.isascii() and token.isprintable() else ""
