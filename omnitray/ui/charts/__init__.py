"""Charts on a true time axis, drawn with QPainter."""
