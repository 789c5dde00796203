"""The laws of the design, on generated repositories, skills, edits of owners and moves of upstream.

generate    a small repository and skills for it, out of one string of bytes
edits       what owners and upstream do to files, the same to two versions of them
memory      a git that is in memory alone: what is pure in the engine runs on it, and all else fails
verbs       the verbs as functions from one commit in memory to the next
"""
