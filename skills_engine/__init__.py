"""The skills engine: grafts skills onto a fork, follows upstream, and takes skills off again."""

__version__ = "0.2.0"
