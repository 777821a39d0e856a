"""The first taxonomy, `firearm-attack 1.0`: every label with the definition an annotator reads.

A taxonomy is data; a released one is never edited, a correction is a new version.
"""

from __future__ import annotations

from typing import Any

FIREARM_ATTACK: dict[str, Any] = {
    "name": "firearm-attack",
    "version": "1.0",
    "events": {
        "attack_onset": "The first frame from which an attack can be known. Detection delay is counted from here.",
        "gunshot": "One shot, from the muzzle's report to the end of its direct sound.",
        "automatic_fire": "Shots too close together to tell apart, as one interval.",
        "muzzle_flash": "Light of a shot leaving a muzzle, seen directly or on surroundings.",
        "reload": "A magazine or rounds being changed, from the hand's first move to the weapon being ready.",
        "explosion": "A blast that is not a shot.",
        "scream": "A cry of fear or pain.",
        "shouted_command": "An order shouted so that others obey.",
        "siren": "A siren or alarm.",
        "person_down": "Somebody falls or lies as if hit, from the fall until out of sight.",
        "fleeing_crowd": "Several people running away.",
        "forced_entry": "A door, window or barrier broken or forced.",
    },
    "tracks": {
        "long_gun": "Rifle, shotgun or sub-machine gun, the visible part.",
        "handgun": "Pistol or revolver, the visible part.",
        "person_armed": "A person who holds a weapon.",
        "person": "Any other person.",
        "casualty": "A person who lies as if hit.",
        "face": "A face, for redaction.",
        "screen": "A screen that shows something, for redaction.",
        "plate": "A number plate, for redaction.",
    },
    "tags": {
        "first_person_view": "Filmed from the body or helmet of somebody taking part.",
        "third_person_view": "Filmed by somebody or something else.",
        "indoor": "Inside a building or vehicle.",
        "low_light": "So dark that people are hard to make out.",
        "blank_fire": "Blanks are fired.",
        "live_range": "Live rounds on a range.",
        "no_weapon": "No weapon is seen or heard.",
    },
}

KIND_OF_SECTION = {"events": "event", "tracks": "track", "tags": "tag"}


def labels_of(definition: dict[str, Any], kind: str) -> frozenset[str]:
    """The labels that annotations of that kind ('event', 'track' or 'tag') may carry."""
    section = next(s for s, k in KIND_OF_SECTION.items() if k == kind)
    return frozenset(definition.get(section, {}))


def in_order(definition: dict[str, Any], section: str) -> dict[str, str]:
    """A section's labels with their definitions in the order to show them: the database keeps none."""
    first = list(FIREARM_ATTACK[section])
    rank = {name: position for position, name in enumerate(first)}
    found: dict[str, str] = definition.get(section, {})
    return dict(sorted(found.items(), key=lambda pair: (rank.get(pair[0], len(first)), pair[0])))
