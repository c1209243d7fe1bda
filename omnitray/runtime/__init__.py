"""QtCore objects: worker threads, the hub, notifications, shutdown. No widgets."""
