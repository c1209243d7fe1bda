"""Watched servers: started, probed, restarted, ended, and found again after a crash of ours.

The map: ``model`` the facts, ``timing`` limits, back-off and crash loops, ``machine`` the pure
state machine, ``permissions`` what was not allowed, ``health`` the probes, ``processes`` real
processes, ``logs`` their files, ``memory`` what outlives us, ``supervisor`` the thread that drives
it all, ``local`` the same for a program without OmniTray (a test run). Nothing here needs Qt.
"""
