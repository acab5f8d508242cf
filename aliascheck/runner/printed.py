"""What models print, which Python and the C library keep for a while."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def flush_printed() -> None:
    """Have everything that was printed written now, for it to go where standard output is at this moment."""
    if sys.__stdout__ is not None:
        with suppress(OSError, ValueError):
            sys.__stdout__.flush()
    if os.name == "posix":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).fflush(None)
