"""The command `cordon`. Each subcommand's module is imported only when it is used: a partner's
`cordon pull` loads no server library."""

from __future__ import annotations

import importlib
import sys

import click

COMMANDS: dict[str, str] = {
    "init": "app.accounts.commands:init",
    "admin": "app.accounts.commands:admin",
    "run": "app.serve:run",
    "serve": "app.serve:serve",
    "worker": "app.serve:worker",
    "doctor": "app.doctor:doctor",
    "login": "app.client.login:login",
    "upload": "app.client.upload.command:upload",
    "receipt": "app.client.receipt_command:receipt",
    "list": "app.client.commands:list_releases",
    "pull": "app.client.commands:pull",
    "verify": "app.client.commands:verify",
    "sign": "app.client.commands:sign",
    "keys": "app.client.commands:keys",
    "ceremony": "app.client.commands:ceremony",
    "detect": "app.detector.commands:detect",
    "detector": "app.detector.commands:detector",
    "audit": "app.audit.commands:audit",
}
EXTRA_HINT = "this command needs packages that are not installed ({name}): pip install 'cordon[{extra}]'"


class LazyGroup(click.Group):
    """A group that imports a subcommand on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in ("app", "ingest", "migrations"):
                raise
            extra = "detector" if cmd_name.startswith("detect") else "server"
            raise click.ClickException(EXTRA_HINT.format(name=error.name, extra=extra)) from None
        return command


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

    try:
        cli.main(prog_name="cordon", standalone_mode=True)
    except SettingsError as error:
        click.echo(f"cordon: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
