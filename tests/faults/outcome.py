"""What a campaign says when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """How many cases were tried, what was wrong in them (one line each), and what they came to, counted by kind."""

    cases: int = 0
    failures: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
