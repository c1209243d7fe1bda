"""Real programs under the armed protector, each in a small machine of its own."""
