"""Caches that can be made again: found, judged, shown, removed."""
