"""Everything that may differ between machines, read once from the environment and never changed after.

Secrets may be given directly or, for the embedded service, are read from files that `cordon init` made under
`CORDON_HOME`. A weak or missing secret stops the start rather than weakening the service.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

MIN_SECRET_BYTES = 32
LEAST_STREAM_BYTES = 2**20  # less than that at a time would leave a virus scanner little to recognise
BROWSER_UPLOADS = ("tus", "direct")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(Exception):
    """A setting is missing, malformed or unsafe; the message says which and what to do."""


def _env(name: str) -> dict[str, str]:
    return {"env": name}


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's settings. Build it with :meth:`from_environ`; `docs/settings.md` lists every variable."""

    home: Path = field(metadata=_env("CORDON_HOME"))
    secret_key: str = field(metadata=_env("CORDON_SECRET_KEY"), repr=False)
    database_url: str | None = field(default=None, metadata=_env("CORDON_DATABASE_URL"), repr=False)
    storage_url: str = field(default="", metadata=_env("CORDON_STORAGE_URL"))
    master_key_uri: str = field(default="", metadata=_env("CORDON_MASTER_KEY"))
    online_keys_uri: str = field(default="", metadata=_env("CORDON_ONLINE_KEYS"))
    checkpoint_key_uri: str = field(default="", metadata=_env("CORDON_CHECKPOINT_KEY"))
    staff_url: str = field(default="http://127.0.0.1:8000", metadata=_env("CORDON_STAFF_URL"))
    partner_url: str = field(default="http://127.0.0.1:8001", metadata=_env("CORDON_PARTNER_URL"))
    bind_host: str = field(default="127.0.0.1", metadata=_env("CORDON_BIND"))
    trusted_proxies: int = field(default=0, metadata=_env("CORDON_TRUSTED_PROXIES"))
    metrics_port: int = field(default=0, metadata=_env("CORDON_METRICS_PORT"))
    log_format: str = field(default="text", metadata=_env("CORDON_LOG_FORMAT"))
    log_level: str = field(default="INFO", metadata=_env("CORDON_LOG_LEVEL"))
    upload_quota_bytes: int = field(default=200 * 2**30, metadata=_env("CORDON_UPLOAD_QUOTA_BYTES"))
    upload_max_bytes: int = field(default=64 * 2**30, metadata=_env("CORDON_UPLOAD_MAX_BYTES"))
    upload_expiry_hours: int = field(default=72, metadata=_env("CORDON_UPLOAD_EXPIRY_HOURS"))
    browser_uploads: str = field(default="tus", metadata=_env("CORDON_BROWSER_UPLOADS"))
    clip_seconds: int = field(default=10, metadata=_env("CORDON_CLIP_SECONDS"))
    shard_bytes: int = field(default=256 * 2**20, metadata=_env("CORDON_SHARD_BYTES"))
    worker_concurrency: int = field(default=1, metadata=_env("CORDON_WORKER_CONCURRENCY"))
    rate_limit_sign_in: str = field(default="10/minute", metadata=_env("CORDON_RATE_LIMIT_SIGN_IN"))
    rate_limit_storage_uri: str = field(default="memory://", metadata=_env("CORDON_RATE_LIMIT_STORAGE"))
    region_detector: str = field(default="", metadata=_env("CORDON_REGION_DETECTOR"))
    clamd: str = field(default="", metadata=_env("CORDON_CLAMD"))
    clamd_stream_bytes: int = field(default=25 * 2**20, metadata=_env("CORDON_CLAMD_STREAM_BYTES"))
    screen: str = field(default="", metadata=_env("CORDON_SCREEN"))
    ffmpeg: str = field(default="", metadata=_env("CORDON_FFMPEG"))
    ffprobe: str = field(default="", metadata=_env("CORDON_FFPROBE"))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Reads the environment. Raises SettingsError, naming the variable, for anything unusable."""
        env = os.environ if environ is None else environ
        home = home_from(env)
        values: dict[str, object] = {}
        for spec in fields(cls):
            raw = env.get(spec.metadata["env"], "")
            if raw:
                values[spec.name] = _convert(spec.metadata["env"], str(spec.type), raw)
        values["home"] = home
        values["secret_key"] = _secret(env.get("CORDON_SECRET_KEY", ""), home)
        values.setdefault("storage_url", f"file://{home / 'objects'}")
        values.setdefault("master_key_uri", f"file://{home / 'keys' / 'master.key'}")
        values.setdefault("online_keys_uri", f"file://{home / 'keys' / 'online'}")
        values.setdefault("checkpoint_key_uri", f"file://{home / 'keys' / 'checkpoint.key'}")
        settings = cls(**values)  # type: ignore[arg-type]
        settings._check()
        return settings

    def _check(self) -> None:
        if self.log_format not in ("text", "json"):
            raise SettingsError("CORDON_LOG_FORMAT is 'text' or 'json'")
        if self.log_level.upper() not in LOG_LEVELS:
            raise SettingsError(f"CORDON_LOG_LEVEL is one of {', '.join(LOG_LEVELS)}")
        for name, url in (("CORDON_STAFF_URL", self.staff_url), ("CORDON_PARTNER_URL", self.partner_url)):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise SettingsError(f"{name} must be an http(s) address, not {url!r}")
            if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
                raise SettingsError(f"{name} leaves this machine, so it must be https")
        if self.browser_uploads not in BROWSER_UPLOADS:
            raise SettingsError(f"CORDON_BROWSER_UPLOADS is one of {', '.join(BROWSER_UPLOADS)}")
        if self.browser_uploads == "direct" and urlsplit(self.storage_url).scheme != "s3":
            raise SettingsError("CORDON_BROWSER_UPLOADS=direct needs an s3:// store in CORDON_STORAGE_URL")
        self._check_screens()

    def _check_screens(self) -> None:
        if self.clamd:
            parts = urlsplit(self.clamd)
            unix = parts.scheme == "unix" and parts.path.startswith("/") and not parts.netloc
            try:
                tcp = parts.scheme == "tcp" and bool(parts.hostname) and bool(parts.port)
            except ValueError:  # the port is no number that a port has
                tcp = False
            if not unix and not tcp:
                raise SettingsError("CORDON_CLAMD is unix:///path of its socket or tcp://host:port")
        if self.clamd_stream_bytes < LEAST_STREAM_BYTES:
            raise SettingsError(f"CORDON_CLAMD_STREAM_BYTES is at least {LEAST_STREAM_BYTES}")
        if self.screen and not re.fullmatch(r"\w+(\.\w+)*:\w+", self.screen):
            raise SettingsError("CORDON_SCREEN names a function: package.module:function")

    @property
    def staff_origin(self) -> str:
        """The staff surface's origin as browsers name it (RFC 6454, section 6.1): no path, no usual port."""
        parts = urlsplit(self.staff_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        usual = {"http": 80, "https": 443}[parts.scheme]
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")

    @property
    def uploads_dir(self) -> Path:
        """Where bytes of unfinished uploads wait, 0700."""
        return self.home / "uploads"

    @property
    def work_dir(self) -> Path:
        """Where jobs keep their temporary files, 0700."""
        return self.home / "work"


def home_from(env: Mapping[str, str]) -> Path:
    """The data directory: CORDON_HOME, else the user's data folder."""
    if env.get("CORDON_HOME"):
        return Path(env["CORDON_HOME"]).expanduser().resolve()
    base = env.get("XDG_DATA_HOME") or str(Path(env.get("HOME") or "~").expanduser() / ".local/share")
    return Path(base) / "cordon"


def _convert(name: str, kind: str, raw: str) -> object:
    if kind == "int":
        try:
            number = int(raw)
        except ValueError:
            raise SettingsError(f"{name} must be a whole number, not {raw!r}") from None
        if number < 0:
            raise SettingsError(f"{name} must not be negative")
        return number
    return raw


def _secret(given: str, home: Path) -> str:
    path = home / "keys" / "secret_key"
    if not given and path.is_file():
        given = path.read_text().strip()
    if not given:
        raise SettingsError("CORDON_SECRET_KEY is not set and no key file exists: run 'cordon init' first")
    if len(given.encode()) < MIN_SECRET_BYTES or len(set(given)) < 10:
        raise SettingsError(f"CORDON_SECRET_KEY is weak: give at least {MIN_SECRET_BYTES} random bytes")
    return given
