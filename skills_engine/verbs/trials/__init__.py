"""The ways in which `skills test` tries skills.

subjects   what is tried on what: packages, the base, what each needs
trial      a case to try, and what came of it
together   alone, in pairs, in threes: order, twice, off again, tests
drift      on a core that upstream changed, or that the owner did, by each of `perturb`'s changes
mutate     with a part of the skill broken: does a test notice
meaning    whether two trees say the same, whatever the order of what has none
spread     cases over processes
kept       what came of them, for a run that goes on where another one was ended
"""
