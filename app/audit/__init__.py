"""The audit log: every state change and every access to footage, provable and append-only."""
