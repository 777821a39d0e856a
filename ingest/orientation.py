"""How a picture is to be held: the display matrix that a camera writes beside it (ISO/IEC 14496-12, 6.2.2)."""

from __future__ import annotations

import re
from math import atan2, degrees
from typing import Any

_ROW = re.compile(r"^[0-9a-f]{8}:\s+(-?\d+)\s+(-?\d+)\s+-?\d+$", re.MULTILINE)


def orientation(side_data: list[dict[str, Any]]) -> tuple[int, bool]:
    """Degrees to turn the stored picture by, clockwise (0, 90, 180, 270); whether to mirror it left to right before.

    ffprobe's own `rotation` says nothing of mirrors: it takes one for a turn by 180.
    """
    for one in side_data:
        rows = _ROW.findall(str(one.get("displaymatrix", "")))
        if len(rows) == 3:
            (a, b), (c, d) = ((int(x), int(y)) for x, y in rows[:2])
            mirrored = a * d - b * c < 0
            if (
                mirrored
            ):  # the matrix is a mirror and then a turn: what is left without the mirror is the turn
                a, b = -a, -b
            return round(degrees(atan2(b, a)) / 90) * 90 % 360, mirrored
    return 0, False
