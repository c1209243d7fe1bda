"""The protection page."""
