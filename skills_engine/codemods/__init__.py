"""Ensure-operations: bytes in, bytes out.

An operation names a place (a qualified name and a role in it) and a condition
that is true afterwards. LibCST finds the place; the edit is a splice of bytes
there, so every other byte stays. See `operation.py` for the contract and
`operations/` for the vocabulary, one operation a file.

Rooms, each importing only what is below it (import-linter keeps it):

    operations/   the vocabulary · custom/ codemods that a package brings
    refactor/     changes of many files: rename, move, who refers to what
    imports/      the imports of a file, added and taken out
    names/        which variable each name of a file is
    match/        patterns, and what takes the place of what they match
    source/       a file, its definitions, the edits of its bytes
"""
