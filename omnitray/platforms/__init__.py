"""One file a platform with the same functions in each, chosen once."""
