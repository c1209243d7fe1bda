"""The process table, process details, and jobs: grouping, naming, growth."""
