"""Alert records on disk: live files, archive, index, queries, export."""
