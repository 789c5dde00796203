"""Which files may have a class that inherits: told from the text where that is certain, so that a
field that is added does not parse the project.
"""

from __future__ import annotations

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.refactor.project import Project

HOME = b"from dataclasses import dataclass\n\n@dataclass\nclass Basket:\n    size: int\n"

ALIASES = {
    "itself": "",
    "as": "from shop import Basket as Base\n",
    "as, over lines": "from shop import (\n    Basket as \\\n        Base,\n)\n",
    "assigned": "Base = Basket\n",
    "of a module": "Base = shop.Basket\n",
    "with a type": "Base: type = Basket\n",
    "with a type in quotes": 'Base: "type[Basket]" = Basket\n',
    "with a type over lines": "Base: Union[\n    A,  # one\n    B,\n] = Basket\n",
    "with a type over lines, an end alone": "Base: Union[\n    A | B\n] = Basket\n",
    "one of several": "Base, other = Basket, 1\n",
    "one of several in brackets": "(\n    Base,  # the first\n    other,\n) = Basket, 1\n",
    "the last of several": "other, (first, *Base) = 1, (2, Basket)\n",
    "in a row": "Base = other = Basket\n",
    "in a row, last": "other = Base = Basket\n",
    "on the next line": "Base = \\\n    Basket\n",
    "over a line's end": "Base \\\n    = Basket\n",
    "behind a semicolon": "pass; Base = Basket\n",
    "on one line with if": "if True: Base = Basket\n",
    "of an attribute": "Base.inner = Basket\n",
    "called": "Base = made(\n    Basket,\n)\n",
    "by another": "Other = Basket\nBase = Other\n",
}
NONE = {
    "compared": "if Base == Basket: pass\n",
    "at most": "assert Base <= Basket\n",
    "in a call": "call(Base)\nx = Basket\n",
    "an import's": "from a import (\n    Base,\n)\n\nx = Basket\n",
    "raised": "raise Base\nBasket = 1\n",
}


@pytest.mark.parametrize("alias", ALIASES.values(), ids=ALIASES)
def test_a_class_that_inherits_by_another_name_is_seen(alias: str) -> None:
    base = "Base" if alias else "Basket"
    source = f"import shop\nfrom shop import Basket\n\n{alias}\n\nclass One({base}):\n    pass\n"
    compile(source, "one.py", "exec")
    project = Project(MemoryFiles({"shop.py": HOME, "one.py": source.encode()}))
    assert "one.py" in {names.path for names in project.inheriting("Basket")}


@pytest.mark.parametrize("other", NONE.values(), ids=NONE)
def test_a_file_without_heirs_is_not_one(other: str) -> None:
    source = f"from shop import Basket\n\n{other}\n\nclass One(Base):\n    pass\n"
    project = Project(MemoryFiles({"shop.py": HOME, "one.py": source.encode()}))
    assert "one.py" not in {names.path for names in project.inheriting("Basket")}
