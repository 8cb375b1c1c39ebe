"""Named points between the steps of a transaction, so that tests can kill a process at each of them.

A test enumerates the points from the code and sets `WEBSTORE_KILL_AT=name` in a process of its own, or
`name#3` for the third time that the process comes there.
"""

import os
import signal

_KILL_AT, _, _TIMES = os.environ.get("WEBSTORE_KILL_AT", "").partition("#")
_countdown = iter(range(int(_TIMES or 1) - 1, -1, -1))


def reached(name: str) -> None:
    """The code has come to the point `name`. Does nothing, unless a test asked for the process's death here."""
    if _KILL_AT and name == _KILL_AT and next(_countdown) == 0:
        os.kill(os.getpid(), signal.SIGKILL)
