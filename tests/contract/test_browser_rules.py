"""Which pages may send from a browser, asked of a real S3 server: the rule, the preflight, the command, the check."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app import doctor
from app.settings import SettingsError
from app.storage.base import StoreUnavailable, open_store
from app.storage.browsers import SENT_HEADER, preflight
from app.storage.commands import cors
from app.storage.incoming import require_reachable
from app.storage.multipart import IncomingObjects
from tests.contract.conftest import s3_client
from tests.factories.home import make_home, make_settings

OURS, THEIRS = "https://staff.example", "https://reports.example"
OTHER_RULE = {"AllowedOrigins": [THEIRS], "AllowedMethods": ["GET"], "AllowedHeaders": ["range"]}


@pytest.fixture
def address(s3_endpoint: str) -> str:
    """A new bucket with a rule of somebody else's, as CORDON_STORAGE_URL."""
    client, name = s3_client(s3_endpoint), f"rules-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    client.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [OTHER_RULE]})
    return f"s3://{name}?endpoint={s3_endpoint}&region=us-east-1"


@pytest.fixture
def incoming(address: str) -> IncomingObjects:
    return require_reachable(open_store(address))


def test_our_pages_may_send_and_rules_of_others_stay(incoming: IncomingObjects) -> None:
    rules = incoming.browsers
    before = rules.all()
    assert preflight(incoming, OURS) != ""
    for _ in range(2):
        rules.allow(OURS)
    assert rules.all()[:-1] == before
    assert (rules.all()[-1]["AllowedOrigins"], rules.all()[-1]["AllowedMethods"]) == ([OURS], ["PUT"])
    assert preflight(incoming, OURS) == ""
    assert preflight(incoming, "https://elsewhere.example") != ""
    assert preflight(incoming, THEIRS) != "", "it may read, and send nothing"
    rules.remove()
    assert rules.all() == before
    assert preflight(incoming, OURS) != ""


def test_a_rule_of_ours_whose_name_the_store_lost_is_ours(incoming: IncomingObjects) -> None:
    rules = incoming.browsers
    nameless = {
        "AllowedOrigins": ["https://old.example"],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": [SENT_HEADER],
    }
    rules._replace([nameless])
    rules.allow(OURS)
    assert [rule["AllowedOrigins"] for rule in rules.all()] == [[OURS]]


def test_the_last_rule_goes_too(incoming: IncomingObjects) -> None:
    rules = incoming.browsers
    rules._replace([])
    rules.allow(OURS)
    assert len(rules.all()) == 1
    for _ in range(2):
        rules.remove()
    assert rules.all() == []


def test_a_store_that_is_away_is_told_of_without_an_address_in_it(address: str) -> None:
    away = require_reachable(open_store(f"{address}&public=http://127.0.0.1:9"))
    why = preflight(away, OURS)
    assert "cannot be reached" in why
    assert "Signature" not in why
    gone = require_reachable(open_store(address.replace("rules-", "none-")))
    with pytest.raises(StoreUnavailable):
        gone.browsers.allow(OURS)


@pytest.fixture
def environment(address: str, tmp_path: Path) -> dict[str, str]:
    settings = make_settings(make_home(tmp_path / "home"))
    return {
        "CORDON_HOME": str(settings.home),
        "CORDON_SECRET_KEY": settings.secret_key,
        "CORDON_STORAGE_URL": address,
        "CORDON_STAFF_URL": f"{OURS}:443/",
        "CORDON_BROWSER_UPLOADS": "direct",
    }


def test_the_command_shows_sets_and_removes_the_rule(environment: dict[str, str]) -> None:
    def run(*options: str, **more: str) -> Any:
        return CliRunner().invoke(cors, options, env=environment | more)

    shown = run()
    assert (shown.exit_code, [rule["AllowedOrigins"] for rule in json.loads(shown.stdout)]) == (1, [[THEIRS]])
    done = run("--set")
    assert done.exit_code == 0, done.output
    assert f"Pages of {OURS} may send parts to http://127.0.0.1:" in done.output
    assert run().exit_code == 0
    removed = run("--remove")
    assert (removed.exit_code, OURS in removed.stdout) == (0, False)
    local = run("--set", CORDON_STORAGE_URL="", CORDON_BROWSER_UPLOADS="")
    assert (local.exit_code, "names no S3 store" in local.output) == (1, True)


def test_the_doctor_asks_as_a_browser_would(environment: dict[str, str], incoming: IncomingObjects) -> None:
    settings = replace(
        make_settings(Path(environment["CORDON_HOME"])),
        storage_url=environment["CORDON_STORAGE_URL"],
        staff_url=OURS,
        browser_uploads="direct",
    )
    found = doctor._browser_uploads(settings)
    assert (found.level, "cordon storage cors --set" in found.advice) == ("fail", True)
    incoming.browsers.allow(OURS)
    assert doctor._browser_uploads(settings).level == "ok"


def test_a_store_that_browsers_do_not_reach_by_tls_is_refused(address: str, tmp_path: Path) -> None:
    for url in (f"{address}&public=http://s3.example.org", f"file://{tmp_path}"):
        with pytest.raises(SettingsError, match="CORDON_BROWSER_UPLOADS"):
            require_reachable(open_store(url))


def test_the_origin_is_that_of_every_address(incoming: IncomingObjects) -> None:
    address = incoming.address("incoming/one", "1", 1, 1, bytes(32))
    assert address.url.startswith(f"{incoming.origin}/")
