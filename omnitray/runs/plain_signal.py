"""What :mod:`signal` has, with plain numbers: it makes enums of them, and that takes 5 ms.

``omnitray run`` starts before the command of a person; see :mod:`omnitray.runs`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from signal import *  # noqa: F403
else:
    try:
        from _signal import *  # noqa: F403 - what signal itself is made from, in CPython
    except ImportError:
        from signal import *  # noqa: F403
