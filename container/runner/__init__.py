"""The agent's side of the wall: reads turns on standard input, asks Claude Code, writes results on
standard output.
"""
