"""What has happened so far, told line by line; and the few names that several stages share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

COLLECTION = "firearm-attack"
READY_SECONDS = 240
KEY_PASSPHRASE = {"CORDON_KEY_PASSPHRASE": "the demonstration's own passphrase"}
PURPOSE = "detector-development"


@dataclass
class Story:
    """What has happened so far, for the summary."""

    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, heading: str, text: str, **facts: Any) -> None:
        self.facts |= facts
        print(f"  {heading:<11} {text}", flush=True)
