"""Chooses pictures for the documentation from what the journey left: `python -m tests.e2e.pictures`, after
`pytest tests/e2e`. Synthetic content only; each at most 150 kB."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.e2e.looks import SCREENSHOTS

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
CHOSEN = ("exercise", "recording", "workbench", "workbench-review", "release", "log-entry")
HEIGHT, MOST_BYTES = 1200, 150_000


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in CHOSEN:
        with Image.open(SCREENSHOTS / f"{name}-1280.png") as picture:
            cut = picture.convert("RGB").crop((0, 0, picture.width, min(HEIGHT, picture.height)))
        target = IMAGES / f"{name}.png"
        for colours in (256, 128, 64, 32):
            cut.quantize(colours, dither=Image.Dither.NONE).save(target, optimize=True)
            if target.stat().st_size <= MOST_BYTES:
                break


if __name__ == "__main__":
    main()
