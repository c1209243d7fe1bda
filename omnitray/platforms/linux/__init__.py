"""The platform Linux: what it can do, from /proc, /sys and the services of the session."""
