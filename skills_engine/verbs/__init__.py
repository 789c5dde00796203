"""What each verb does, by family; `api.py` is the door.

change      init, apply, uninstall, upgrade, rebase, undo: one function, different goals
conflict    continue, skip, abort
look        list, search, show, status, log, diff, blame
author      lint, test
care        doctor, replay
merging     merge-file, merge-driver
"""
