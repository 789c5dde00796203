"""A change turned into operations of the vocabulary, each the most general that makes just that
change.
"""
