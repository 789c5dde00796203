"""What happens when nobody below could decide: the operation is kept, and the owner continues,
skips or aborts.
"""
