"""The publication of an operation into the owner's checkout: in one step, under a lock, or not at
all.

lock      one operation at a time in a repository
worktree  what the owner has staged, edited and left untracked where the operation wants to write
staging   the new files and the new index, ready to be renamed into place
journal   what is about to happen, on disk before it happens
publish   journal, compare-and-swap of the branch, renames, done
recover   after a crash: forward if the branch has moved, back if it has not
scratch   a worktree of the engine's own, for tests and conflicts
"""
