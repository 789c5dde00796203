"""What strangers and accidents may write, made from real files by mutation: pages of skills, three
versions of a file, data that is edited, patterns; requests of agents, HTTP, backups.

targets      what is called with it, and what must hold of the answer
bot_targets  those of the assistant
corpus       what is mutated that no other file of this repository is, and what was a fault once
__main__     so many seconds of one target, or of all
"""
