"""Linux: /proc, /sys and the services of the session; ``capabilities`` names what it can do."""
