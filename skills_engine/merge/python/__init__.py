"""Python, merged by structure."""
