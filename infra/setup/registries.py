"""Carries the user's registry settings over to uv and npm: pip's own are what people set behind a mirror or proxy.

uv reads none of pip's configuration. Only what is not set for uv already is handed on, and nothing is kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "no-index": "UV_NO_INDEX",
}


def environment(root: Path, python: Path) -> dict[str, str]:
    """The environment of every set-up command. `python` is the virtual environment's, for its pip's settings."""
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(python.parent), env.get("PATH", os.defpath)])
    env |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "VIRTUAL_ENV": str(python.parents[1])}
    for name, value in _for_uv(_pip_settings()).items():
        env.setdefault(name, value)
    if certificates := env.get("SSL_CERT_FILE"):
        env.setdefault("NODE_EXTRA_CA_CERTS", certificates)
    home = Path(env.get("HOME") or "/nonexistent")
    if not os.access(home, os.W_OK):  # a service user may have no home of its own
        env.setdefault("UV_CACHE_DIR", str(root / "build/cache/uv"))
        env.setdefault("npm_config_cache", str(root / "build/cache/npm"))
    return env


def _for_uv(pip: dict[str, str]) -> dict[str, str]:
    given = {PIP_TO_UV[name]: value for name, value in pip.items() if name in PIP_TO_UV}
    if "UV_INDEX" in given:
        given["UV_INDEX_STRATEGY"] = (
            "unsafe-best-match"  # as pip does; the lock's hashes decide what is taken
        )
    if "UV_NO_INDEX" in given and "find-links" in pip:
        given["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
    return given


def _pip_settings() -> dict[str, str]:
    """pip's settings by long option name, from its files, then its variables, as pip itself reads them."""
    result = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found: dict[str, str] = {}
    for line in result.stdout.splitlines():
        key, _, value = line.partition("=")
        scope, _, name = key.partition(".")
        if scope in ("global", "install", ":env:"):
            found[name.replace("_", "-").lower()] = value.strip("'\"").replace("\\n", " ").strip()
    for name in PIP_TO_UV.keys() | {"find-links"}:
        if given := os.environ.get("PIP_" + name.replace("-", "_").upper()):
            found[name] = given
    return found
