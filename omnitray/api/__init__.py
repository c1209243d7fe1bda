"""The local HTTP and WebSocket server."""
