"""The pages: server-rendered, one module a screen, over the same services as the API."""

from app.web.shell import Shell, init_pages

__all__ = ["Shell", "init_pages"]
