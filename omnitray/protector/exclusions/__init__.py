"""Who is never touched: rules, programs, the foreground."""
