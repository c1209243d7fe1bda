"""OmniTray keeps a developer's machine usable."""

__version__ = "0.1.0"
