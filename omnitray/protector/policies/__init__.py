"""One policy a file: from the decision context to decisions."""
