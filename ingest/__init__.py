"""A plain media library: probe, normalise, account for every frame, segment, hash. No database, no web."""
