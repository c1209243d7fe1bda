"""Why something is done, taken back or spared: fixed lists, each with its sentence.

The window, the log, the journal, the API and the tests all show these words.
"""

from omnitray.base.said import Said


class ProtectReason(Said):
    """Why something is done to a job."""

    CPU_OVER = "cpu_over", "it takes most of the processors, which are over the limit"
    CPU_STARVES = "cpu_starves", "slowed down, it still makes others wait"
    CPU_UNANSWERED = "cpu_unanswered", "it was paused for making others wait, and nobody objected"
    MEMORY_OVER = "memory_over", "it holds most of the memory, which is over the limit"
    MEMORY_RUNS_OUT = "memory_runs_out", "at its rate of growth memory runs out"
    MEMORY_NEAR_FLOOR = "memory_near_floor", "memory is almost gone and it still grows"
    MEMORY_THRASHES = "memory_thrashes", "memory is gone and the machine is busy swapping for it"
    MEMORY_UNANSWERED = "memory_unanswered", "it was paused before memory ran out; nobody objected"
    MEMORY_FLOOR = "memory_floor", "memory and swap are used up; without an end everything stops"
    DISK_OVER = "disk_over", "the disk is over the limit; caches can be made again"
    DISK_RUNS_OUT = "disk_runs_out", "at its rate of writing the disk is full soon"
    DISK_NEARLY_FULL = "disk_nearly_full", "the disk is nearly full and it writes most"
    ASKED = "asked", "you asked for it"


class RestoreReason(Said):
    """Why something is given back."""

    RELIEVED = "relieved", "there is enough again"
    PERSON = "person", "you asked for it"
    LEFT_ALONE = "left_alone", "you want it left alone"
    SWITCHED_OFF = "switched_off", "protection was switched off"
    WATCHES = "watches", "protection only watches now"
    ARMED = "armed", "protection acts again"
    MODE = "mode", "in this mode it is not paused without your word"
    PROTECTED_NOW = "protected_now", "it is protected now"


class SparedReason(Said):
    """Why a job or a process is not the one."""

    OURSELVES = "ourselves", "OmniTray itself"
    ANCESTOR = "ancestor", "OmniTray was started by it"
    OTHER_USER = "other_user", "belongs to another user"
    KERNEL = "kernel", "part of the kernel"
    PERSON = "person", "protected by you"
    LEFT_ALONE = "left_alone", "left alone, as you asked"
    SESSION = "session", "part of the session or the desktop"
    BUS = "bus", "messages between programs go through it"
    SOUND = "sound", "sound goes through it"
    INPUT = "input", "input goes through it"
    SHELL = "shell", "a shell"
    TERMINAL = "terminal", "a terminal"
    EDITOR = "editor", "an editor"
    AGENT = "agent", "an agent; what it starts is not protected"
    PACKAGES = "packages", "a package manager at work"
    DATABASE = "database", "a database"
    VPN = "vpn", "a network connection depends on it"
    BACKUP = "backup", "a backup at work"
    GUARDIAN = "guardian", "guards this machine too"
    LEADER = "leader", "leads a login session"
    FOREGROUND = "foreground", "you are working with it"
    TIED = "tied", "has a window, plays sound or serves others; a pause would freeze them"
    UNKNOWN = "unknown", "its program cannot be looked up"
    DYING = "dying", "is ending already"
    PARENT = "parent", "parent of the run"
    SMALL = "small", "frees too little"
    STEADY = "steady", "does not grow"
    HELD = "held", "is held already"
    REFUSED = "refused", "the system refused, a moment ago"
    TAKEN_BACK = "taken_back", "you took that back, a moment ago"
    LESS = "less", "takes less of what is short"


class AlarmReason(Said):
    """What the protector says aloud without doing anything."""

    THREE_ENDS = "three_ends", "three processes were ended within ten minutes"
    FREED_NOTHING = "freed_nothing", "an end freed almost nothing"
    RESPAWNED = "respawned", "what was ended came back at once"
    NOBODY_LEFT = "nobody_left", "memory is used up and everything that could be ended is protected"
