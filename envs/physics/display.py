"""Check for a display, before a library opens a window: PyBullet ends the process if it cannot."""

import ctypes
import sys

from assembly_rl.controllers.validation import InputError


def require_display(alternative: str) -> None:
    """Check that a window can be opened.

    Args:
        alternative: Advice for a machine without a display.

    Raises:
        ValueError: There is no display.
    """
    if not _has_display():
        raise InputError(f"a window needs a display, and there is none (DISPLAY): {alternative}")


def _has_display() -> bool:
    if sys.platform != "linux":
        return True
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if not display:
        return False
    x11.XCloseDisplay(ctypes.c_void_p(display))
    return True
