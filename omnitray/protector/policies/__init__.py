"""One policy a file: a class with its own state and one method from context to decisions."""
