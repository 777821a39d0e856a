"""Cordon: police training footage, labelled, signed and issued to approved partners.

Importing this package loads nothing else, so that the partner's client stays free of server libraries.
"""
