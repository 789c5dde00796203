"""ensure: import"""
# ruff: noqa: N999 - a file is named after its operation

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from skills_engine.codemods.imports.edit import add, missing_from
from skills_engine.codemods.imports.statements import OwnModules, wanted
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source.edits import Draft
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.import_order import ImportSettings, settings_for
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Import"]


@dataclass(frozen=True, kw_only=True)
class Import(SourceOperation):
    """The file imports what the statement `import` imports; with `under: TYPE_CHECKING`, at least
    for type checkers.

    It joins a from-import of the same module, unless a comment there speaks of the names, or gets a
    line in its section, sorted as isort or Ruff is configured to, or else as the file sorts. What
    is imported in a condition, a loop or a `try` that does not import it on every path, is not
    imported; nor is what is bound to something else, or deleted, behind its import.
    """

    ensure = "import"
    SELECTORS: ClassVar[tuple[str, ...]] = ()
    VALID = (
        Example(
            "among the others of its section, sorted",
            "import os\nimport sys\n\nimport aiogram\n",
            {"in": "m.py", "import": "import re"},
            "import os\nimport re\nimport sys\n\nimport aiogram\n",
        ),
        Example(
            "import before from",
            "import os\nfrom typing import Any\n\nx = 1\n",
            {"in": "m.py", "import": "import zlib"},
            "import os\nimport zlib\nfrom typing import Any\n\nx = 1\n",
        ),
        Example(
            "sorted by module where the file does that",
            "import os\nfrom re import sub\nimport sys\n",
            {"in": "m.py", "import": "import shutil"},
            "import os\nfrom re import sub\nimport shutil\nimport sys\n",
        ),
        Example(
            "last of its section where that is not sorted",
            "import sys\nimport os\n\nimport b\n",
            {"in": "m.py", "import": "import re"},
            "import sys\nimport os\nimport re\n\nimport b\n",
        ),
        Example(
            "into a from-import on one line",
            "from a.b import C, E\n",
            {"in": "m.py", "import": "from a.b import D"},
            "from a.b import C, D, E\n",
        ),
        Example(
            "beside one whose comment may speak of its names",
            "from a.b import C, E  # noqa: F401\n",
            {"in": "m.py", "import": "from a.b import D"},
            "from a.b import C, E  # noqa: F401\nfrom a.b import D\n",
        ),
        Example(
            "into a from-import that is not sorted",
            "from a import C, B\n",
            {"in": "m.py", "import": "from a import A"},
            "from a import C, B, A\n",
        ),
        Example(
            "into a from-import of several lines",
            "from a import (\n    ALPHA,\n    Gamma,  # g\n    beta,\n)\n",
            {"in": "m.py", "import": "from a import Beta, delta"},
            "from a import (\n    ALPHA,\n    Beta,\n    Gamma,  # g\n    beta,\n    delta,\n)\n",
        ),
        Example(
            "a relative one",
            "from ..x import a\nfrom . import b\n",
            {"in": "m.py", "import": "from . import c"},
            "from ..x import a\nfrom . import b, c\n",
        ),
        Example(
            "a renamed one on a line of its own, as the sorters do",
            "from a import c\n",
            {"in": "m.py", "import": "from a import b as x"},
            "from a import b as x\nfrom a import c\n",
        ),
        Example(
            "a renamed one into a statement, where the file combines them",
            "from a import c as y, d\n",
            {"in": "m.py", "import": "from a import b as x"},
            "from a import b as x, c as y, d\n",
        ),
        Example(
            "a section of its own",
            '"""Doc."""\n\nimport os\n\nfrom . import x\n\n\ndef f(): ...\n',
            {"in": "m.py", "import": "import aiogram"},
            '"""Doc."""\n\nimport os\n\nimport aiogram\n\nfrom . import x\n\n\ndef f(): ...\n',
        ),
        Example(
            "a section before the others",
            "# about the bot\n\n# ours\nfrom bot import x\n",
            {"in": "m.py", "import": "import os"},
            "# about the bot\n\nimport os\n\n# ours\nfrom bot import x\n",
        ),
        Example(
            "the repository's own after third parties",
            {"bot/x.py": "", "bot/m.py": "import aiogram\n\nx = 1\n"},
            {"in": "bot/m.py", "import": "from bot.x import X"},
            {"bot/x.py": "", "bot/m.py": "import aiogram\n\nfrom bot.x import X\n\nx = 1\n"},
        ),
        Example(
            "no blank lines between sections where the file has none",
            "import os\nimport aiogram\nx = 1\n",
            {"in": "m.py", "import": "from . import y"},
            "import os\nimport aiogram\nfrom . import y\nx = 1\n",
        ),
        Example(
            "the first, after docstring",
            '"""Doc."""\n\n\ndef f(): ...\n',
            {"in": "m.py", "import": "import a.b as c"},
            '"""Doc."""\n\nimport a.b as c\n\n\ndef f(): ...\n',
        ),
        Example(
            "the first, after shebang and licence",
            "#!/usr/bin/env python\n# Licence\n\nx = 1\n",
            {"in": "m.py", "import": "import os"},
            "#!/usr/bin/env python\n# Licence\n\nimport os\n\nx = 1\n",
        ),
        Example(
            "the first, above code",
            "# the answer\nX = 42\n",
            {"in": "m.py", "import": "import os"},
            "import os\n\n# the answer\nX = 42\n",
        ),
        Example(
            "into an empty file",
            "",
            {"in": "m.py", "import": "import os"},
            "import os\n",
            verbatim=True,
        ),
        Example(
            "the future comes first",
            '"""Doc."""\n\nimport os\n',
            {"in": "m.py", "import": "from __future__ import annotations"},
            '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n',
        ),
        Example(
            "for type checking, into the block",
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from a import A\n\nx = 1\n",
            {"in": "m.py", "import": "from b import B", "under": "TYPE_CHECKING"},
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from a import A\n    from b import B\n\nx = 1\n",
        ),
        Example(
            "for type checking, with a new block",
            "import os\nfrom typing import Any\n\n\ndef f(): ...\n",
            {"in": "m.py", "import": "from b import B", "under": "TYPE_CHECKING"},
            "import os\nfrom typing import TYPE_CHECKING, Any\n\nif TYPE_CHECKING:\n    from b import B\n\n\ndef f(): ...\n",
        ),
        Example(
            "what was imported for type checking only is moved",
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from a import A, B\n",
            {"in": "m.py", "import": "from a import A"},
            "from typing import TYPE_CHECKING\n\nfrom a import A\n\nif TYPE_CHECKING:\n    from a import B\n",
        ),
        Example(
            "the last that was imported for type checking only leaves no block",
            "from typing import TYPE_CHECKING, Any\n\nif TYPE_CHECKING:\n    from a import A\n\nx: Any = 1\n",
            {"in": "m.py", "import": "from a import A"},
            "from typing import Any\n\nfrom a import A\n\nx: Any = 1\n",
        ),
        Example(
            "there already, among others",
            "from a import (\n    X,\n    Y as Z,\n)\n",
            {"in": "m.py", "import": "from a import Y as Z, X"},
            "from a import (\n    X,\n    Y as Z,\n)\n",
        ),
        Example(
            "there already, in a try",
            "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
            {"in": "m.py", "import": "import tomllib"},
            "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
        ),
        Example(
            "there already, relatively",
            {"bot/m.py": "from .x import X\n"},
            {"in": "bot/m.py", "import": "from bot.x import X"},
            {"bot/m.py": "from .x import X\n"},
        ),
    )
    INVALID = (
        Refusal(
            "there is no such file",
            "x = 1\n",
            {"in": "n.py", "import": "import os"},
            Outcome.MISSING,
            "no file n.py",
        ),
        Refusal(
            "the name is imported from elsewhere",
            "from other import Telegram\n",
            {"in": "m.py", "import": "from telegram import Telegram"},
            Outcome.DRIFTED,
            "Telegram is imported from somewhere else",
        ),
        Refusal(
            "the name is defined here",
            "class Telegram: ...\n",
            {"in": "m.py", "import": "from telegram import Telegram"},
            Outcome.DRIFTED,
            "Telegram is the name of something else",
        ),
        Refusal(
            "the name is bound to something else behind its import",
            "from a import B\n\nB = 3\n",
            {"in": "m.py", "import": "from a import B"},
            Outcome.DRIFTED,
            "B is imported in line 1, and is the name of something else in line 3",
        ),
        Refusal(
            "the name is deleted behind its import",
            "from a import B\n\ndel B\n",
            {"in": "m.py", "import": "from a import B"},
            Outcome.DRIFTED,
            "B is deleted again",
        ),
    )

    import_: str
    under: Literal["", "TYPE_CHECKING"] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (
            any(name.module == "__future__" for name in wanted("import", self.import_))
            and self.under
        ):
            raise Malformed(
                "under", "a __future__ import holds for the whole file", "leave `under` out"
            )

    def describe(self) -> str:
        below = " for type checking" if self.under else ""
        return f"{self.import_.strip()}{below} in {self.in_}"

    def edit(self, source: Source) -> Edit:
        return self._edit(source, OwnModules(source.path), ImportSettings())

    def edit_among(self, source: Source, files: Files) -> Edit:
        settings = settings_for(source.path, files.read)
        return self._edit(source, OwnModules(source.path, files), settings)

    def _edit(self, source: Source, own: OwnModules, settings: ImportSettings) -> Edit:
        doing = self.describe()
        missing = missing_from(source, wanted("import", self.import_), self.under, doing)
        draft = Draft(source)
        if missing:
            add(draft, missing, self.under, own, settings)
        return Edit(draft.splices, doing)
