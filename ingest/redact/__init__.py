"""Redaction: where faces, screens, plates and voices are, and a master in which they are not.

What is proposed here is a help for the person who decides, never a promise that nothing was missed.
"""
