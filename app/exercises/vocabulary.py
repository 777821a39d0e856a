"""The words an exercise is described with, in one place for the API, the pages and the command line.

Each vocabulary maps a stable code (what is stored and released) to what a person reads.
"""

from __future__ import annotations

from typing import Final

Vocabulary = dict[str, str]

VENUES: Final[Vocabulary] = {
    "indoor": "Indoors (house, office, school)",
    "street": "Street or open ground",
    "range": "Firing range",
    "vehicle": "In or around a vehicle",
    "transport_hub": "Station, airport or other transport hub",
    "public_venue": "Shop, arena, place of worship or other public venue",
    "other": "Elsewhere",
}

LIGHTING: Final[Vocabulary] = {
    "daylight": "Daylight",
    "artificial": "Artificial light",
    "low_light": "Dusk, dawn or dim light",
    "dark": "Dark, torches or flashes only",
    "mixed": "Changing during the exercise",
}

WEAPONS: Final[Vocabulary] = {
    "none": "No weapon",
    "training_weapon": "Inert training weapon",
    "blank_fire": "Blank-firing weapon",
    "simunition": "Marking cartridges (simunition)",
    "airsoft": "Airsoft or laser trainer",
    "live_range": "Live fire on a range",
    "explosive_simulator": "Pyrotechnic or explosive simulator",
}

RETENTION_CATEGORIES: Final[Vocabulary] = {
    "training_1y": "Training, reviewed after one year",
    "training_3y": "Training, reviewed after three years",
    "training_6y": "Training, reviewed after six years",
}

# Whose eyes a recording shows the exercise through.
VIEWPOINTS: Final[Vocabulary] = {
    "attacker_role": "Worn by the one who plays the attacker",
    "officer": "Worn by an officer or instructor",
    "bystander_role": "Worn by one who plays a bystander or casualty",
    "observer": "Held or worn by an observer outside the action",
    "fixed": "Fixed in place (wall, tripod, vehicle)",
}

VOCABULARIES: Final[dict[str, Vocabulary]] = {
    "venue": VENUES,
    "lighting": LIGHTING,
    "weapons": WEAPONS,
    "retention_category": RETENTION_CATEGORIES,
}
