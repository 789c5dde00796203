"""The end of the ladder, when nobody below could decide: the operation is kept, and the owner
continues, skips or aborts.
"""
