"""Data formats, merged by structure."""
