"""Organisations, their people and machine clients, and how each proves who it is."""
