"""The assistant: channels bring messages in, an agent answers them, and a store sees to it that
none is lost.
"""
