"""What is said of a recording besides its bytes: the names and bounds of its details, in one place for all that takes
them: tus metadata, the API, pages, lists in CSV and the command line.

`started_at` is the camera's own time; how far its clock is from true time is said beside it and never worked into it.
"""

from __future__ import annotations

from typing import Final

DETAILS: Final = ("camera", "started_at", "clock_offset_seconds", "viewpoint", "reference", "notes")
# What goes with the footage when it is erased: the details, and the tus header in which the client said them.
PERSONAL: Final = (*DETAILS, "metadata")
MOST_NAME: Final = 1000  # characters of a file's name
MOST_LINE: Final = 200  # characters of camera and reference
MOST_NOTES: Final = 1000  # characters; one HTTP header holds them in the tus metadata
MOST_OFFSET_SECONDS: Final = (
    10 * 366 * 24 * 3600
)  # a clock that lost its battery is years behind, not centuries
# A clock that was never set says 1970; beyond year 1 or 9999 nothing reads.
CAMERA_YEARS: Final = range(1900, 2200)
