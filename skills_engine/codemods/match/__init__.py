"""Patterns, what they match, and what takes its place."""
