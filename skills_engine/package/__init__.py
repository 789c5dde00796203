"""Skill packages: a directory `.claude/skills/<name>/` as bytes in, a checked `Package` out.

No disk, no git. Who lists packages uses `summary`, which reads the least; who
applies one uses `reader.read`, then `decode.operations`, the only room here
(with `lint`, `capabilities` and `reference`, which stand on it) that imports
the codemods and so LibCST.
"""
