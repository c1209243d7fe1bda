"""Doing and undoing: levers, the journal before each act, and what it did for the machine."""
