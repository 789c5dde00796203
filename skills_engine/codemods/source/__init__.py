"""A Python file and the edits of its bytes: parsed once, found by name, spliced."""
