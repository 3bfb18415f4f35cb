"""What Windows makes of file names: some it refuses, some it takes for other ones than they say.

Source: learn.microsoft.com/windows/win32/fileio/naming-a-file.
"""

from __future__ import annotations

_PORTS = "123456789\u00b9\u00b2\u00b3"  # with the superscript digits
_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
_DEVICES |= {f"{kind}{port}" for kind in ("COM", "LPT") for port in _PORTS}
_REFUSED = frozenset('<>:"|?*\\')


def strange_to_windows(part: str) -> bool:
    """Whether ``part``, a name between two slashes, would be refused there, or taken for a device, a path or another.

    ``nul.png`` is a device, ``a.`` and ``a `` are ``a``, and ``a:b`` is a stream of ``a``.
    """
    device = part.partition(".")[0].rstrip(" ").upper()
    return part[-1] in " ." or device in _DEVICES or any(one in _REFUSED or one < " " for one in part)
