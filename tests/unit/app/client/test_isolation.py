"""A partner installs no server: the client and the release format load where no server library is installed.

The libraries are made impossible to import in a fresh process, and every attempt is recorded. One attempt is known
and not ours: securesystemslib looks for boto3 (its AWS KMS signer) and goes on without it.
"""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import importlib, importlib.abc, json, pkgutil, sys

FORBIDDEN = {"flask", "werkzeug", "sqlalchemy", "marshmallow", "boto3", "botocore", "psycopg", "authlib",
             "procrastinate", "flask_smorest", "flask_security", "alembic", "ingest"}
attempts = []

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            frame = sys._getframe(1)
            while frame.f_globals.get("__name__", "").startswith("importlib"):
                frame = frame.f_back
            attempts.append([name, frame.f_globals.get("__name__", "?")])
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
import app.client, app.manifest
for package in (app.client, app.manifest):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(json.dumps({"attempts": attempts, "loaded": sorted(sys.modules)}))
"""


def test_the_client_needs_and_seeks_no_server_library() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    assert "app.client.commands" in answer["loaded"]
    assert "app.manifest.verify" in answer["loaded"]
    ours = [attempt for attempt in answer["attempts"] if attempt[1].partition(".")[0] == "app"]
    assert ours == []
    assert {(name, by) for name, by in answer["attempts"]} <= {
        ("boto3", "securesystemslib.signer._aws_signer")
    }


def test_no_server_package_of_ours_is_loaded() -> None:
    answer = json.loads(
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    )
    packages = {name.split(".")[1] for name in answer["loaded"] if name.startswith("app.")}
    assert packages == {"client", "manifest", "proofs"}
