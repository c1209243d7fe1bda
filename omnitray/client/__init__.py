"""The Python client of a running instance."""
