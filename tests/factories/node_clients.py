"""npm's clients of the protocols that we serve, from one lock file, for node in a process of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

NODE = Path(__file__).parents[1] / "integration" / "node"
BUILD = Path(__file__).parents[2] / "build" / "node-clients"
BIN = Path(sys.executable).parent


def node_environment() -> dict[str, str]:
    """What npm and node need of ours."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    if certificates := environment.get("SSL_CERT_FILE"):  # as the set-up does for its own npm
        environment.setdefault("NODE_EXTRA_CA_CERTS", certificates)
    return environment


def install_node_clients() -> Path:
    """The directory in which our scripts for node run; installed once for a lock file. A failure is an error."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (NODE / "package-lock.json").read_text()
        marker = BUILD / "installed.json"
        for script in NODE.glob("*.mjs"):
            shutil.copy(script, BUILD)
        if not marker.exists() or marker.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NODE / name, BUILD)
            subprocess.run(
                [BIN / "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=BUILD,
                env=node_environment(),
                timeout=240,
                check=True,
            )
            marker.write_text(wanted)
    return BUILD
