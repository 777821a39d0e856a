"""What a partner may be given data for, and on what ground data leaves the country: closed lists."""

from __future__ import annotations

PURPOSES: dict[str, str] = {
    "detector-development": "develop and train detectors of live-streamed attacks",
    "detector-evaluation": "measure how well a detector recognises attacks, and how often it is wrong",
    "hash-matching": "know training footage by its hash, so that it is never mistaken for an attack",
    "incident-response": "prepare the people and tools that act while an attack is streamed",
    "research": "study detection methods and publish findings without any footage",
}
TRANSFER_GROUNDS: dict[str, str] = {
    "domestic": "the partner is in the United Kingdom: no transfer",
    "adequacy": "regulations say that the country protects data adequately (DPA 2018 s.74A)",
    "appropriate-safeguards": "a binding instrument protects the data (DPA 2018 s.75)",
    "special-circumstances": "necessary in this case to prevent an immediate, serious threat (DPA 2018 s.76)",
}
