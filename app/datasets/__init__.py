"""Datasets and their versions: composed from accepted labels, then frozen."""
