"""The page of the trends."""
