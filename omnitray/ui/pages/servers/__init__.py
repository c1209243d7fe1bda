"""The page of watched servers: list, the chosen one with its log, and how to declare one."""
