"""Tray icon and window: show facts, emit intents, decide nothing."""
