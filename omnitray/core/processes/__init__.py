"""Who runs here: the process table, and the jobs that people would name."""
