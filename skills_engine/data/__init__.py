"""Edits of data files: bytes in, bytes out.

Every function splices: what it does not name keeps its bytes (comments, order,
quotes, line ends, indentation, the final newline or none). Every `ensure` is
idempotent, and has a `remove` that takes back what it did. A parser of the
format says that what comes in is valid, and that in what goes out only the
wanted value changed.
"""
