"""Resumable uploads (tus 1.0.0): bytes on their way in, until they are a recording."""
