"""Mistakes made in the engine's code, one at a time, and the tests that see them.

operators   what can be made wrong in a module
table       which tests run which line
trial       one mistake: the tests that should see it, in a process of its own
__main__    a sample of each room, or all (`make mutants`)
"""
