"""When footage is due for a retention review: pure arithmetic of days."""

from __future__ import annotations

from datetime import MAXYEAR, date
from typing import Final

YEARS: Final[dict[str, int]] = {"training_1y": 1, "training_3y": 3, "training_6y": 6}


def years_after(day: date, years: int) -> date:
    """The same day so many years on; 28 February where that year has no 29th, and the last day that a date can say
    where it lies beyond."""
    if day.year + years > MAXYEAR:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def review_due(held_on: date, category: str) -> date:
    """The first day on which an exercise's footage is to be reviewed. Raises KeyError for an unknown category."""
    return years_after(held_on, YEARS[category])
