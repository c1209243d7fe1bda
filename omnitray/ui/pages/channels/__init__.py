"""The page of the channels."""
