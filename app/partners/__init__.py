"""Agreements: what admits a partner company, for which purposes and how long."""
