"""The Qt side: shows facts, emits intents, decides nothing."""
