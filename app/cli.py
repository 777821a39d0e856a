"""The command `cordon`. Each subcommand's module is imported only when it is used: a partner's
`cordon pull` loads no server library."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Final, NamedTuple

import click


class Subcommand(NamedTuple):
    """Where a subcommand lies, and what it is for: the list of all is shown without importing any."""

    target: str
    summary: str


COMMANDS: Final[dict[str, Subcommand]] = {
    "init": Subcommand("app.accounts.commands:init", "Make keys, database and the first administrator."),
    "admin": Subcommand("app.accounts.commands:admin", "Organisations, people and machine clients."),
    "run": Subcommand("app.serve:run", "The whole service, left running."),
    "serve": Subcommand("app.serve:serve", "One surface."),
    "worker": Subcommand("app.serve:worker", "Does the service's jobs: ingest, releases, clearing up."),
    "storage": Subcommand("app.storage.commands:storage", "What the object store lets browsers do."),
    "doctor": Subcommand("app.doctor:doctor", "Check that the service can run here."),
    "login": Subcommand("app.client.login:login", "Let this machine act for you."),
    "upload": Subcommand(
        "app.client.upload.command:upload", "Hand over files, folders, camera cards or bags."
    ),
    "receipt": Subcommand(
        "app.client.receipt_command:receipt", "Fetch the receipt of a recording of your force."
    ),
    "list": Subcommand("app.client.commands:list_releases", "List the releases that are granted to you."),
    "pull": Subcommand("app.client.commands:pull", "Fetch and verify a collection's current release."),
    "verify": Subcommand("app.client.commands:verify", "Verify a pulled release offline."),
    "sign": Subcommand("app.client.commands:sign", "Sign a release as its approver."),
    "keys": Subcommand("app.client.commands:keys", "Make the keys that people and machine clients hold."),
    "ceremony": Subcommand("app.client.commands:ceremony", "Hold a collection's root ceremony."),
    "detect": Subcommand(
        "app.detector.commands:detect", "Listen to VIDEO for gunfire and what resembles it."
    ),
    "detector": Subcommand(
        "app.detector.commands:detector", "Train, measure and export the reference detector."
    ),
    "audit": Subcommand("app.audit.commands:audit", "Check the audit log and its proofs."),
}
# Modules are no garbage: to look for it as often as Python does by itself costs a fifth of a start.
GC_THRESHOLDS: Final = (20_000, 20, 50)
EXTRA_HINT = "this command needs packages that are not installed ({name}): pip install 'cordon[{extra}]'"


class LazyGroup(click.Group):
    """A group that imports a subcommand on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].target.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in ("app", "ingest", "migrations"):
                raise
            extra = "detector" if cmd_name.startswith("detect") else "server"
            raise click.ClickException(EXTRA_HINT.format(name=error.name, extra=extra)) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands with their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in sorted(COMMANDS)])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cordon")
def cli() -> None:
    """Carries police training footage to the companies that must recognise a live-streamed attack.

    \b
    Example: cordon pull firearm-attack --dir releases
    """


def main() -> None:
    """Entry point. Exit status: 0 done, 1 failed, 2 used wrongly."""
    from app.settings import SettingsError

    gc.set_threshold(*GC_THRESHOLDS)
    try:
        cli.main(prog_name="cordon", standalone_mode=True)
    except SettingsError as error:
        click.echo(f"cordon: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
