"""Facts, readings, clock, durable files and text formats: what every package shares."""
