"""What stands on the screen, as it is written in a test."""


def plain(text: str) -> str:
    """Without what keeps a figure and its unit on one line."""
    return text.replace("\u00a0", " ").replace("\u2060", "")
