"""The imports of a file: read, added and taken out."""
