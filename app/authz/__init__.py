"""Who may what: one table of grants, and a gate that a route without a declared permission cannot pass."""
