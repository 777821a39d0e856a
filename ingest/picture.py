"""Any camera's picture as one kind: upright, progressive, square pixels, SDR BT.709 in range tv, 4:2:0.

One frame goes in and one comes out, at the same time: nothing here may drop, double or move a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from ingest.streams import VideoStream

_TURNS = {0: (), 90: ("clock",), 180: ("clock", "clock"), 270: ("cclock",)}
# FFmpeg's names for the matrix that zscale knows by another. Of smpte240m it makes RGB's: that is left to `scale`.
_MATRICES = {"smpte170m": "170m", "bt470bg": "470bg", "fcc": "fcc", "ycgco": "ycgco"}
# Those that `scale` passes through; it takes no picture that is said to have another.
_SCALED = {"bt709", "smpte170m", "bt470bg", "fcc", "smpte240m", "gbr"}
# Where nothing is said, standard definition is BT.601 and the rest BT.709, as players take it: ITU-R BT.601, BT.709.
_STANDARD_WIDTH, _STANDARD_HEIGHT = 1280, 576
# Nits that diffuse white is set to before tone mapping (the display of BT.1886).
_WHITE_NITS = 100
# In widths of a tile: a phone held upright (9:16) is shown as wide as any, a ribbon is not.
_TALLEST_TILE = 2


@dataclass(frozen=True, slots=True)
class Size:
    """A picture's width and height in pixels, both even."""

    width: int
    height: int


def display_size(video: VideoStream, short_side: int) -> Size:
    """Size with square pixels, upright, at most `short_side` on the shorter side, never enlarged, even."""
    width, height = Fraction(video.width) * max(video.sar, Fraction(1)), Fraction(video.height)
    if video.sar < 1:
        height /= video.sar
    if video.rotation in (90, 270):
        width, height = height, width
    scale = min(Fraction(1), Fraction(short_side) / min(width, height))
    return Size(_even(width * scale), _even(height * scale))


def _even(length: Fraction) -> int:
    return max(2, int(length / 2) * 2)


def tile_size(picture: Size, width: int) -> Size:
    """Size of the storyboard's tile of a picture: `width` wide, or narrower where it would be over twice as tall."""
    tallest = _TALLEST_TILE * width
    height = _nearest_even(Fraction(width * picture.height, picture.width))
    if height <= tallest:
        return Size(width, height)
    return Size(_nearest_even(Fraction(tallest * picture.width, picture.height)), tallest)


def _nearest_even(length: Fraction) -> int:
    return max(2, 2 * floor(length / 2 + Fraction(1, 2)))


def upright(picture: Any, video: VideoStream, size: Size) -> Any:
    """The branch of ffmpeg-python filters that all renditions are made from."""
    if video.interlaced:
        # a frame for a frame, at its own time; a frame that says that it is progressive passes untouched
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    if video.mirrored:
        picture = picture.filter("hflip")
    for turn in _TURNS[video.rotation]:
        picture = picture.filter("transpose", turn)
    picture = _said(picture, video).filter(
        "scale", size.width, size.height, flags="bicubic", out_range="tv", **_coded(video)
    )
    return (
        _standard_colours(picture, video)
        .filter("setsar", 1)
        .filter("format", "yuv420p")
        .filter("setparams", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709")
    )


def _rgb(video: VideoStream) -> bool:
    return video.pixel_format.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2"))


def _coded(video: VideoStream) -> dict[str, str]:
    """Options of `scale` for a source that is given its matrix there."""
    if _rgb(video):
        return {"out_color_matrix": "bt709"}
    if not _wide(video) and matrix_of(video) == "smpte240m":
        return {"in_color_matrix": "smpte240m", "out_color_matrix": "bt709"}
    return {}


def _wide(video: VideoStream) -> bool:
    return video.colour.hdr or video.colour.wide


def _said(picture: Any, video: VideoStream) -> Any:
    """What is said of the source's colours, or assumed of them, given outright: a frame may leave it out, and filters
    find no way from what they do not know. A matrix that `scale` does not know gets its true name behind it."""
    if _rgb(video):
        return picture
    if _wide(video):
        transfer = video.colour.transfer if video.colour.hdr else "bt709"
        names = {"color_primaries": "bt2020", "color_trc": transfer, "colorspace": "bt2020nc"}
        return picture.filter("setparams", **names)
    matrix = matrix_of(video)
    names = {"color_primaries": "bt709", "color_trc": "bt709"}
    return picture.filter("setparams", **names, colorspace=matrix if matrix in _SCALED else "bt709")


def _standard_colours(picture: Any, video: VideoStream) -> Any:
    """Convert to BT.709, by the path that the source needs: none, another matrix, another gamut, or tone mapping.

    Tone curve: Hable's, FFmpeg's `tonemap`.
    """
    colour = video.colour
    if _rgb(video):
        return picture
    if _wide(video):
        # of constant luminance there is no kind with high dynamic range: who says so means the other
        constant = colour.matrix == "bt2020c" and not colour.hdr
        linear = (
            picture.filter("format", "yuv420p10le")
            .filter("setparams", range="tv", colorspace="bt2020c" if constant else "bt2020nc")
            .filter("zscale", t="linear", npl=_WHITE_NITS)
            .filter("format", "gbrpf32le")
            .filter("zscale", p="709")
        )
        if colour.hdr:
            linear = linear.filter("tonemap", "hable", desat=0)
        return linear.filter("zscale", t="709", m="709", r="limited")
    matrix = _MATRICES.get(matrix_of(video))
    return picture.filter("zscale", min=matrix, m="709") if matrix else picture


def matrix_of(video: VideoStream) -> str:
    """The matrix that RGB was made YUV with, in FFmpeg's words; where nothing is said, the one that players assume."""
    if video.colour.matrix not in ("unknown", "reserved"):
        return video.colour.matrix
    small = video.width < _STANDARD_WIDTH and video.height <= _STANDARD_HEIGHT
    return "smpte170m" if small else "bt709"
