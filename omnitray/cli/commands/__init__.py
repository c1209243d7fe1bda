"""The sub-commands: one function each, ``(arguments, terminal) -> exit code``."""
