"""Training exercises: the unit of custody, of lawful basis and of leak-free splits."""
