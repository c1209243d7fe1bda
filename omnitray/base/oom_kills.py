"""How many processes the kernel has ended for want of memory.

It imports nothing: ``omnitray run`` starts before other programs.
"""

VMSTAT = "/proc/vmstat"


def oom_kills(vmstat: str = VMSTAT) -> "int | None":
    """Since boot: ``oom_kill`` of /proc/vmstat (Linux 4.13); None where that is not said."""
    try:
        with open(vmstat, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 5 ms to import
            for line in file:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    except (OSError, ValueError):
        return None
    return None


def rose(before: "int | None", now: "int | None") -> bool:
    """Whether a process was ended between two counts."""
    return before is not None and now is not None and now > before
