"""Ensure-operations: bytes in, bytes out.

An operation names a place (a qualified name and a role in it) and a condition
that is true afterwards. LibCST finds the place; the edit is a splice of bytes
there, so every other byte stays. See `operation.py` for the contract and
`operations/` for the vocabulary, one operation a file.
"""
