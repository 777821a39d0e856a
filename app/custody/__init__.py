"""Custody: what a force decides about the footage it handed over, and the papers it gets for it.

Receipts, sensitivity reviews, legal holds, retention, possible real incidents, erasure with its certificate.
"""
