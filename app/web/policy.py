"""What pages may load and whom their scripts may speak to: ourselves, and one other origin where it is named."""

from __future__ import annotations


def content_policy(connect: str = "") -> str:
    """The Content-Security-Policy of a page whose scripts may also speak to the origin `connect`."""
    spoken_to = f"'self' {connect}".rstrip()
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
        " media-src 'self' blob:; font-src 'self';"
        f" connect-src {spoken_to};"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
