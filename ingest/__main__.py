"""The media library as a command, with no database: a file in, renditions and a report out."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ingest.concat import JOINED_NAME
from ingest.errors import FileRejected, IngestError
from ingest.ffmpeg import Tools, find_tools
from ingest.joining import join, write_parts
from ingest.pipeline import Progress, ingest
from ingest.profiles import DEFAULT_LIMITS
from ingest.report import Report

_EXAMPLE = """example:
  python -m ingest patrol.mp4 --out derived/
  python -m ingest patrol.mp4 --out derived/ --json | jq .clips
  python -m ingest GX010123.MP4 GX020123.MP4 --out derived/

exit status: 0 done, 1 the file was refused, 2 something here failed (worth trying again)"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Normalise a recording, account for every frame, cut it into clips.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="file",
        help="the recording: MP4, MOV, MKV, WebM, AVI or TS; several files are the parts of one, in any order",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where everything derived goes"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    args = parser.parse_args(argv)
    show = sys.stderr.isatty()
    try:
        for file in args.files:
            if not file.is_file():
                raise IngestError(f"{file} is not a file; name a recording")
        tools = find_tools(os.environ)
        source = args.files[0] if len(args.files) == 1 else _join(args.files, args.out, tools)
        report = ingest(source, args.out, tools=tools, on_progress=_print_progress if show else None)
    except FileRejected as refusal:
        return _fail(f"{args.files[0]}: {refusal.message} [{refusal.reason_code}]", 1)
    except IngestError as fault:
        return _fail(str(fault), 2)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was left behind", 2)
    sys.stdout.write(report.to_json() if args.json else _summary(report, args.out))
    return 0


def _join(files: list[Path], out: Path, tools: Tools) -> Path:
    """Join the parts of a recording into `out`, with the list of which frames are whose beside it."""
    out.mkdir(parents=True, exist_ok=True)
    joined = out / JOINED_NAME
    write_parts(join(files, joined, tools=tools, limits=DEFAULT_LIMITS), joined)
    return joined


def _print_progress(progress: Progress) -> None:
    end = "\n" if progress.stage == "finish" else ""
    sys.stderr.write(f"\r{progress.stage:<10}{progress.fraction:4.0%}{end}")
    sys.stderr.flush()


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"ingest: {' '.join(message.split())}\n")
    return status


def _summary(report: Report, out: Path) -> str:
    source = report.source
    lines = [
        f"{source.frame_count} frames, {source.duration:.3f} s, {source.width}x{source.height} {source.video_codec}",
        f"{len(report.renditions)} renditions and {len(report.clips)} clips in {out}",
        *report.findings,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
