"""Settings: what a person can set, read from ``config.toml`` and saved without loss.

The map: ``model`` (with ``base.policy``) declares the values, and derives the table and the rules
between keys, ``check`` one value, ``file`` the file, ``continuity`` what stays in force when the
file changes under a running program.
"""
