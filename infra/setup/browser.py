"""The browser of the tests: the machine's Chromium where there is one, else one that comes as an npm package.

That build (made for AWS Lambda) needs neither root nor system libraries: those it wants come with it, in `al2023`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steps import Workshop

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = "install Chromium yourself (Debian: apt-get install chromium), then try again"
UNPACK = """
import { inflate } from "@sparticuz/chromium";
const parts = ["chromium.br", "fonts.tar.br", "swiftshader.tar.br", "al2023.tar.br"];
for (const part of parts) await inflate(`${process.argv[1]}/${part}`);
"""

# The package's own configuration looks for fonts where a Lambda function would have them.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
</fontconfig>
"""


def present(root: Path) -> bool:
    """Whether some browser is ready to be started."""
    return any(map(shutil.which, SYSTEM_NAMES)) or (root / "build/browser/done").is_file()


def install(shop: Workshop) -> None:
    """Installs and unpacks the npm package under build/browser (about 300 MB) unless a browser is there."""
    if present(shop.root):
        return
    target = shop.root / "build" / "browser"
    unpacked = target / "unpacked"
    shutil.rmtree(target, ignore_errors=True)
    unpacked.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path(__file__).with_name("chromium") / name, target)
    binaries = shop.venv / "bin"
    shop.run(
        "browser", ADVICE, binaries / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=target
    )
    shop.env["TMPDIR"] = str(unpacked)  # the package unpacks into the temporary directory
    package = target / "node_modules/@sparticuz/chromium/bin"
    shop.run("browser", ADVICE, binaries / "node", "--input-type=module", "-e", UNPACK, package, cwd=target)
    del shop.env["TMPDIR"]
    (unpacked / "fonts" / "fonts.conf").write_text(FONTS)
    shutil.rmtree(target / "node_modules")
    (target / "done").touch()
