"""`make demo`: one recording goes the whole way, on real HTTP, through separate processes, as each role would do it.

Imports nothing of Cordon: it drives the installed commands and the API with credentials made for it. Taking any
stage away makes a later one fail.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import handing_over
import issuing
import receiving
from api import JourneyFailed
from cast import Actor, Cast, Organisations
from footage import sample_footage
from service import Commands, Service
from story import Story

ROOT = Path(__file__).resolve().parents[2]
ADMINISTRATOR = "admin@operator.example"


def main() -> int:
    """Exit status 0 when every stage did what it should, 1 with one line when one did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("footage", nargs="?", help="a folder of footage; sample footage when none is given")
    parser.add_argument("--dir", type=Path, default=ROOT / "build" / "demo", help="where everything goes")
    arguments = parser.parse_args()
    folder: Path = arguments.dir.resolve()
    if arguments.footage and not Path(arguments.footage).is_dir():
        print(f"demo: {arguments.footage} is not a folder", file=sys.stderr)
        return 2
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    started = time.monotonic()
    commands = Commands(folder / "home")
    service = Service(commands, folder / "service.log")
    try:
        play(commands, service, folder, arguments.footage)
    except (JourneyFailed, OSError) as error:
        print(f"\ndemo: {error}\n      the service's log is {folder / 'service.log'}", file=sys.stderr)
        return 1
    finally:
        service.stop()
    print(f"\nDone in {time.monotonic() - started:.0f} s.")
    return 0


def play(commands: Commands, service: Service, folder: Path, given: str | None) -> None:
    """All stages in order."""
    story = Story()
    footage = Path(given).resolve() if given else folder / "footage"
    print("Cordon: from a body-worn camera to a partner's detector\n")
    code = _open(story, commands, service, None if given else footage)
    cast = Cast(commands, service, folder / "people")
    administrator = cast.enter(ADMINISTRATOR, code)
    organisations = _organisations(administrator)
    people = _company(cast, administrator, organisations)
    officer = people["officer"]
    approvers = [people["approver-one"], people["approver-two"]]
    partner = cast.machine(
        administrator, organisations.partner, "partner", "partner_engineer", service.partner
    )
    story.tell(
        "people",
        "administrator, officer, annotator, reviewer, release manager, two approvers, auditor, a partner's client",
    )

    recordings = handing_over.upload(story, commands, officer, footage)
    handing_over.review(story, officer, recordings)
    handing_over.label(story, people["annotator"], people["reviewer"], story.facts["clips"])
    dataset_id, version_id = issuing.freeze(story, people["manager"])
    fingerprint = issuing.ceremony(
        story, commands, administrator, approvers, folder / f"root-keys-{secrets.token_hex(2)}"
    )
    release_id = issuing.release(story, commands, people["manager"], approvers, version_id)
    issuing.admit(story, people["manager"], approvers, organisations, dataset_id)
    release = folder / "release"
    receiving.fetch(story, commands, partner, fingerprint, release)
    pictures = folder / "pictures"
    pictures.mkdir()
    receiving.detect(story, commands, release, pictures)
    receiving.prove(story, commands, people["auditor"], release_id, folder)
    save_poster(officer, pictures)
    print(f"\nThe release lies in  {release}")
    print(f"Pictures lie in      {pictures}")
    print(f"The proof is         {folder / 'publication.tlog-proof'}")


def _open(story: Story, commands: Commands, service: Service, samples: Path | None) -> str:
    """Makes the service and starts it, and sample footage meanwhile where some is to be made.

    Returns the administrator's activation code.
    """
    with ThreadPoolExecutor(1) as meanwhile:
        making = meanwhile.submit(sample_footage, commands, samples) if samples else None
        made = commands.json("init", "--admin-email", ADMINISTRATOR)
        seconds = service.start()
    for line in making.result() if making else ():
        story.tell("footage", line)
    story.tell("started", f"database, staff and partner servers, two workers, in {seconds:.1f} s")
    return str(made["admin"]["activation_code"])


def _company(cast: Cast, administrator: Actor, organisations: Organisations) -> dict[str, Actor]:
    """Everybody else, by name; two at a time, as the machine allows."""
    force, operator = organisations.force, organisations.operator
    parts = {
        "officer": (force, "officer@force.example", "Dana Officer", "data_officer"),
        "annotator": (operator, "annotator@operator.example", "Alex Annotator", "annotator"),
        "reviewer": (operator, "reviewer@operator.example", "Robin Reviewer", "reviewer"),
        "manager": (operator, "manager@operator.example", "Morgan Manager", "release_manager"),
        "approver-one": (operator, "approver-one@operator.example", "Ash Approver", "approver"),
        "approver-two": (operator, "approver-two@operator.example", "Bo Approver", "approver"),
        "auditor": (operator, "auditor@operator.example", "Audrey Auditor", "auditor"),
    }
    with ThreadPoolExecutor(3) as pool:
        entering = {name: pool.submit(cast.invite, administrator, *part) for name, part in parts.items()}
        return {name: entry.result() for name, entry in entering.items()}


def _organisations(administrator: Actor) -> Organisations:
    listed = administrator.api.get("/api/v1/organisations")["items"]
    operator = next(o["id"] for o in listed if o["kind"] == "operator")
    force = administrator.api.post("/api/v1/organisations", {"kind": "force", "name": "Example Constabulary"})
    partner = administrator.api.post(
        "/api/v1/organisations", {"kind": "partner", "name": "Example Platform Ltd"}
    )
    return Organisations(operator, force["id"], partner["id"])


def save_poster(officer: Actor, pictures: Path) -> None:
    """Keeps each ready recording's poster and storyboard, as the officer may see them."""
    for recording in officer.api.get("/api/v1/recordings?limit=20")["items"]:
        if recording["state"] == "ready":
            for kind in ("poster", "storyboard"):
                answer = officer.api.call("GET", f"/api/v1/recordings/{recording['id']}/renditions/{kind}")
                name = Path(recording["filename"]).stem
                (pictures / f"{name}-{kind}.jpg").write_bytes(answer.content)


if __name__ == "__main__":
    sys.exit(main())
