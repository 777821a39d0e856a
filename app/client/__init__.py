"""What partners and officers run on their own machines: no server package or library is imported here."""
