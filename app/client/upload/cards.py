"""What lies on a camera's card beside the footage, and why it is not sent.

Only names decide here, since a camera's low-resolution copy is a film like any other by its first bytes. The list
is of what GoPro, DJI, Sony, Panasonic, Canon, Insta360, Axon, Motorola and phones write.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

_COPY = "a low-resolution copy made by the camera: the film itself is sent"
_THUMBNAIL = "a thumbnail"
_SIDECAR = "a sidecar of the camera's, not footage"
_STILL = "a still picture, not footage"

BY_SUFFIX: Final = {
    ".thm": _THUMBNAIL,
    ".lrv": _COPY,
    ".lrf": _COPY,
    ".glv": _COPY,
    **dict.fromkeys(
        (".xmp", ".xml", ".srt", ".bim", ".cpi", ".mpl", ".bdm", ".rdf", ".sav", ".idx"), _SIDECAR
    ),
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".dng", ".gpr", ".heic", ".arw", ".cr3"), _STILL),
    **dict.fromkeys((".wav", ".aac", ".m4a", ".mp3"), "sound without pictures"),
}
BY_FOLDER: Final = {
    ("M4ROOT", "SUB"): _COPY,
    ("M4ROOT", "THMBNL"): _THUMBNAIL,
    ("CONTENTS", "PROXY"): _COPY,
    ("CONTENTS", "ICON"): _THUMBNAIL,
}
SYSTEM_FOLDERS: Final = frozenset(
    {"system volume information", "$recycle.bin", "lost.dir", "found.000", "__macosx"}
)
CARD_FOLDERS: Final = ("DCIM", "PRIVATE", "CONTENTS", "AVCHD", "BDMV")


def why_not(relative: PurePath) -> str | None:
    """Why the file at this place of a card is not sent; None where its contents must tell."""
    parts = [part.upper() for part in relative.parts[:-1]]
    for folder, reason in BY_FOLDER.items():
        if any(tuple(parts[at : at + len(folder)]) == folder for at in range(len(parts))):
            return reason
    return BY_SUFFIX.get(relative.suffix.lower())


def is_hidden(name: str) -> bool:
    """Files and folders that no camera and no person put there, as `.Trashes` and `._A.MP4`."""
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def place_on_card(path: PurePath) -> str:
    """The path from the card's own folders on, so that a card is known again wherever it is mounted."""
    for at, part in enumerate(path.parts[:-1]):
        if part.upper() in CARD_FOLDERS:
            return "/".join(path.parts[at:])
    return path.as_posix()
