"""`make campaign`: long, seeded runs of faults, each judged by a checker that shares no code with what it judges.

A campaign is a module here with `run(seed, sample, folder) -> Outcome`. The seed decides everything that is left to
chance and is printed first: `make campaign ONLY=name SEED=n` repeats one. `--sample` is the short run
of `make test` (tests/faults/test_samples.py).
"""

from __future__ import annotations

import argparse
import importlib
import json
import secrets
import shutil
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.faults.outcome import Outcome

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "build" / "campaign.json"


def main(argv: list[str] | None = None) -> int:
    """Runs the campaigns; exit status 1 when one found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", help="the campaign of this name: " + ", ".join(names()))
    parser.add_argument("--seed", type=int, help="repeats the run of that seed")
    parser.add_argument("--sample", action="store_true", help="a small part of each")
    args = parser.parse_args(argv)
    chosen = [name for name in names() if args.only in (None, name)]
    if not chosen:
        parser.error(f"no campaign {args.only!r}; there are {', '.join(names())}")
    seed = args.seed if args.seed is not None else secrets.randbelow(10**6)
    results = [hold(name, seed, args.sample) for name in chosen]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written to {RESULT.relative_to(ROOT)}")
    return 1 if any(result["failures"] for result in results) else 0


def names() -> list[str]:
    """The campaigns: modules beside this one that define `run`; a dash stands for the underscore."""
    here = Path(__file__).parent
    found = sorted(path for path in here.glob("[a-z]*.py") if "\ndef run(" in path.read_text())
    return [path.stem.replace("_", "-") for path in found]


def hold(name: str, seed: int, sample: bool) -> dict[str, Any]:
    """Runs one campaign in a directory of its own, which is kept when something was found."""
    print(f"{name}: seed {seed} …", flush=True)
    folder = Path(tempfile.mkdtemp(prefix=f"campaign-{name}-")).resolve()
    started = time.monotonic()
    try:
        module = importlib.import_module(f"tests.faults.{name.replace('-', '_')}")
        outcome: Outcome = module.run(seed, sample, folder)
    except Exception:
        outcome = Outcome(failures=[f"the campaign itself broke off:\n{traceback.format_exc()}"])
    seconds = round(time.monotonic() - started, 1)
    said = ", ".join(f"{kind} {count}" for kind, count in sorted(outcome.counts.items()))
    print(f"{name}: {outcome.cases} cases in {seconds} s, {len(outcome.failures)} wrong ({said})")
    for failure in outcome.failures:
        print(f"  WRONG {failure}")
    if outcome.failures:
        print(f"  repeat: make campaign ONLY={name} SEED={seed}; what it left lies in {folder}")
    else:
        shutil.rmtree(folder)
    facts = {"name": name, "seed": seed, "sample": sample, "seconds": seconds}
    return facts | {"cases": outcome.cases, "counts": outcome.counts, "failures": outcome.failures}


if __name__ == "__main__":
    raise SystemExit(main())
