"""Finding and removing caches that can be made again."""
