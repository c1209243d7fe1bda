"""What stands on the screen, as it is written in a test."""

from omnitray.ui.formats import without_marks


def plain(text: str) -> str:
    """Without the marks that say where a line may end and where not."""
    return without_marks(text)
