"""Releases: a frozen version packed, signed by two people, published by TUF and granted to partners."""
