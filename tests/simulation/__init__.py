"""The whole bot in one process, under a clock and an event loop that a seed determines."""
