"""Changes of many files at once: renames and moves, and who refers to what."""
