"""Pairs of edits with a known answer: real code, two edits near one another, and what a merge of
them must be.
"""
