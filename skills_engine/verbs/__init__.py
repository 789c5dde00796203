"""The verbs, a function each; `api.py` is the door.

apply, uninstall, upgrade, rebase   one function, different goals: `request.py`, run by `running.py`
continue_, resolve, skip, abort     an operation that stopped
undo, setup                         one step back; `init`
look, inspect                       list, search, status, log; show, diff, blame
plan, record                        what an apply would do; a change turned into a package
author, care                        lint, test; doctor, replay
merging, merge_driver               merge-file; plain git's merges
"""
