"""`cordon upload`."""

from __future__ import annotations

from typing import Any

import click

from app.client.errors import ClientError
from app.client.terminal import connect, one_line_errors
from app.client.upload.options import Options, upload_options
from app.client.upload.run import hand_over
from app.client.upload.stop import Interrupted, Stop, stopping_on_signals
from app.client.upload.watch import watch_folder


@click.command("upload")
@upload_options
@one_line_errors
def upload(**given: Any) -> None:
    """Hand over files, folders, camera cards or bags to an exercise; run it again to go on.

    What is not footage is skipped, and said. A folder with a bagit.txt is checked as a BagIt bag.

    \b
    Exit status:
      0  all is handed over (or handed over before)
      1  a file failed, was rejected, or is withdrawn or erased since; something
         was not right, or nothing was footage
      2  used wrongly
      3  interrupted: the same command goes on
    \b
    Examples:
      cordon upload /media/camera --exercise 0199c1… --metadata card.csv --wait
      cordon upload /media/camera --exercise 0199c1… --limit 2M --dry-run
      cordon upload /media/camera/GX010007.MP4 --exercise 0199c1… --again
      cordon upload --watch /srv/drop --done /srv/done --exercise 0199c1…
    """
    options, stop = Options.of(**given), Stop()
    with stopping_on_signals(stop):
        status = _run(options, stop)
    if status:
        raise click.exceptions.Exit(status)


def _run(options: Options, stop: Stop) -> int:
    api = connect(options.credentials, ca=options.ca, pause=stop.pause)
    try:
        if options.watch is not None:
            return watch_folder(options, options.watch, api, stop)
        report = hand_over(options, api, stop)
    except Interrupted:
        click.echo("Interrupted before anything was sent.", err=True)
        return 3
    except OSError as error:
        raise ClientError(f"{error.filename or 'a file'} cannot be used: {error.strerror}") from error
    report.show()
    return report.exit_status
