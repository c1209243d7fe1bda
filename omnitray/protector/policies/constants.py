"""The times and lines of the policies that are the same in every mode.

The limits, and how far each mode goes without an answer, are settings (``policy.ModeLimits``).
"""

CLEAR_HOLD_S = 6.0  # clear for so long before something is given back
LOST_SIGHT_S = 30.0  # no call for so long (the machine slept): questions and ends wait longer

# Processors.
NEXT_SLOW_DOWN_S = 3.0
SLOWED_FOR_S = 10.0  # before it is said that slowing down was not enough
WAITING_FOR_S = 5.0  # half of what the pressure figure (``avg10``) looks back on
SHOWS_EFFECT_S = 9.0  # given back within ten seconds where it did not help

# Memory.
PAUSE_SHOWS_S = 3.0  # so long a pause at the floor has, if memory stands still meanwhile
FALLS_ON_SHARE, FALLS_ON_BYTES = 0.0025, 4 << 20  # less is no falling
NEXT_PAUSE_S = 0.3  # each scan near the floor may pause one more (``guard._CLOSE_SCAN_S``)
# A stop gives a terminal's keyboard to the shell, and what is typed next is a command: with more
# time than a person needs to read a question and press a button it is asked about first.
ASKS_FIRST_S = 10.0
GROWS_ON_S, GROWS_ON_BPS = 5.0, 16 << 20  # what a paused job may go on with: new processes
NEXT_MEMORY_SLOW_DOWN_S = 5.0  # the one before has to show first what it was good for

# Disk.
DISK_NO_TIME_S = 30.0
DISK_SLOWED_FOR_S = 5.0  # of the 30 s and more that are left, before the pause
DISK_FILLED_WITHIN_S = 600.0  # a nearly full disk that lasts longer is no reason to pause
DISK_WORTH_BYTES = 1 << 20  # less written is no filling
DISK_STILL_FILLS_S = 60.0  # after it last got fuller
CLEAN_AGAIN_S = 3600.0  # caches that were just cleaned hold little

# Telling.
TELL_AGAIN_S = 600.0
SAME_QUESTION_S = TELL_AGAIN_S  # a question that lapses and comes again is the same for so long
LEAVE_ALONE_S = 3600.0  # as the answer says: "Leave it alone for 1 h"
TAKEN_BACK_S = 600.0  # so long what the person has undone is not done again
NOT_PAUSED_AGAIN_S = 60.0  # what the person would rather have slowed down
HANDED_OUT_S = 2.0  # an action that was handed out and is not reported yet
