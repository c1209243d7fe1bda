"""Runs: commands started by ``omnitray run`` with a budget, measured, and remembered.

The map: ``child`` the process, ``relay`` its signals, ``tree`` what it takes, ``budget`` when it
is slowed down, paused or ended, ``records`` the files, ``admission`` whether the machine can hold
it, who is next and how many workers fit, ``watch`` the whole of one run, ``words`` what is said of
it, ``model`` and ``history`` the files as others read them, ``light`` parts of the standard library
without what takes long to import.
``cli.commands.run`` puts it together.

Everything up to the start of the command uses the lightest modules of the standard library alone:
importing msgspec or pathlib would cost as much as all that the wrapper may take (60 ms).
"""
