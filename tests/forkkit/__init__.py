"""Forks as people have them, made from the recipes in fixtures/forks, and what holds verbs to them.

recipe    a recipe as it is written, read strictly
steps     what an owner and upstream do to a repository: edits, commits, git, skills
workshop  upstream with its thirty versions, and each fork, made once and copied for each test
program   the program `skills`, in this process, for speed
whole     every byte of a directory, `.git` included
expect    a recipe's expectations, looked for in what came out
"""

from forkkit.program import skills
from forkkit.recipe import Expected, Recipe, recipes
from forkkit.whole import whole
from forkkit.workshop import Workshop

__all__ = ["Expected", "Recipe", "Workshop", "recipes", "skills", "whole"]
