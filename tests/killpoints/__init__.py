"""Law 5, by force: operations killed at every file-system and git step, then `skills doctor`.

tracer      runs a program and its children under ptrace, and kills them just before a chosen step
scenarios   the forks and the commands
points      one kill: a fresh copy, the kill, the doctor, the verdict
pairs       somebody else at one step: a fresh copy, what they do, the verdict
__main__    all of them (`python -m tests.killpoints`), or a seeded sample
"""
