"""What the kernel and other OOM daemons ended."""
