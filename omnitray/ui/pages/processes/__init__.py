"""The processes page."""
