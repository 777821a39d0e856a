"""The media library as a command, with no database: a file in, renditions and a report out."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ingest.assemble import LEDGER_NAME
from ingest.concat import JOINED_NAME
from ingest.errors import FileRejected, IngestError, ProfileError
from ingest.export import ExportProfile, export
from ingest.ffmpeg import Tools, find_tools
from ingest.frames import Ledger
from ingest.graph import MASTER_NAME
from ingest.joining import join, write_parts
from ingest.kept import KeptFolder
from ingest.page import PAGE_NAME, write_page
from ingest.pipeline import Progress, ingest
from ingest.profile_file import load_profile, preset_names
from ingest.profiles import DEFAULT_LIMITS, Profile
from ingest.report import Report
from ingest.segmentation.plan import PLANS, ManualPlan

_EXAMPLE = """example:
  python -m ingest patrol.mp4 --out derived/
  python -m ingest patrol.mp4 --out derived/ --json | jq .clips
  python -m ingest GX010123.MP4 GX020123.MP4 --out derived/
  python -m ingest patrol.mp4 --out derived/ --export 25
  python -m ingest patrol.mp4 --out derived/ --strategy scene_cut,sound_event --range 250:900

exit status: 0 done, 1 the file was refused, 2 something here failed (worth trying again)"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    args = _parser().parse_args(argv)
    show = sys.stderr.isatty()
    try:
        for file in args.files:
            if not file.is_file():
                raise IngestError(f"{file} is not a file; name a recording")
        profile, tools = _profile(args.profile, args.strategy, args.range), find_tools(os.environ)
        source = args.files[0] if len(args.files) == 1 else _join(args.files, args.out, tools)
        report = ingest(
            source,
            args.out,
            profile=profile,
            tools=tools,
            store=KeptFolder(args.keep) if args.keep else None,
            on_progress=_print_progress if show else None,
        )
        for rate in args.export:
            ledger = Ledger.read(args.out / LEDGER_NAME)
            copy = args.out / f"export-{str(rate).replace('/', '-')}.mp4"
            export(args.out / MASTER_NAME, ledger, copy, ExportProfile(rate), tools=tools)
        write_page(args.out, report, name=", ".join(file.name for file in args.files))
    except FileRejected as refusal:
        return _fail(f"{args.files[0]}: {refusal.message} [{refusal.reason_code}]", 1)
    except IngestError as fault:
        return _fail(str(fault), 2)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was left behind", 2)
    sys.stdout.write(report.to_json() if args.json else _summary(report, args.out))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ingest",
        description="Normalise a recording, account for every frame, cut it into clips.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_files(parser)
    _add_ways(parser)
    return parser


def _add_files(parser: argparse.ArgumentParser) -> None:
    """What is read, and where everything goes."""
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
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="keep finished steps there: a run cut off goes on where it was",
    )


def _add_ways(parser: argparse.ArgumentParser) -> None:
    """How the recording is coded, cut and copied."""
    parser.add_argument(
        "--profile",
        default="standard",
        metavar="NAME|FILE",
        help=f"how to derive: {', '.join(preset_names())}, or a JSON file (default: standard)",
    )
    parser.add_argument(
        "--strategy",
        metavar="NAME[,NAME]",
        help=f"cut by these alone: {', '.join(PLANS)} (default: the profile's)",
    )
    parser.add_argument(
        "--range",
        action="append",
        default=[],
        metavar="START:END",
        help="make a clip that holds frames START to END (not included), whatever else is cut; may be repeated. "
        "Pictures are copied, so it begins on the key frame at or before START, and ends at END or, where the master "
        "is the source's own pictures, on the key frame at or after END; the report says which frames it holds",
    )
    parser.add_argument(
        "--export",
        action="append",
        default=[],
        type=_rate,
        metavar="RATE",
        help="besides, a copy at this constant frame rate (25, 30000/1001), with a map of its frames; may be repeated",
    )


def _rate(text: str) -> Fraction:
    """A frame rate from the command line, above 0 and at most 1,000."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(
            f"{text} is no frame rate: give frames a second, as 25 or 30000/1001"
        )
    return rate


def _profile(name: str, strategies: str | None, ranges: list[str]) -> Profile:
    """The profile with what the command line says of its clips. Raises ProfileError."""
    profile = load_profile(name)
    try:
        plan = profile.segments.only(tuple(strategies.split(","))) if strategies else profile.segments
        if ranges:
            named = [(int(start), int(end)) for start, _, end in (one.partition(":") for one in ranges)]
            plan = replace(plan, manual=ManualPlan(tuple(named)))
    except ValueError as error:
        raise ProfileError(f"--strategy or --range: {error}") from error
    return replace(profile, segments=plan)


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
        f"{len(report.renditions)} renditions and {len(report.clips)} clips in {out}; see {out / PAGE_NAME}",
        *report.findings,
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
