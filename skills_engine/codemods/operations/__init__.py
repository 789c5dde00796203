"""The vocabulary: one operation a file, its examples beside it."""
