"""The alert history page."""
