"""What strangers and accidents may write, made from real files by mutation: pages of skills, three
versions of a file, data that is edited, patterns.

targets   what is called with it, and what must hold of the answer
__main__  so many seconds of one target, or of all
"""
