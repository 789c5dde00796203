"""The fork: what it stands on, the graft of its skills, and the merge that carries the owner's
edits across.
"""
