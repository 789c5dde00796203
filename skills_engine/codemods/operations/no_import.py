"""ensure: no-import"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from skills_engine.codemods.imports.edit import drop
from skills_engine.codemods.imports.statements import statements, wanted
from skills_engine.codemods.imports.unused import uses
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.source.edits import Draft
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.imports.statements import ImportStatement
    from skills_engine.import_order import ImportedName

__all__ = ["NoImport"]


@dataclass(frozen=True, kw_only=True)
class NoImport(SourceOperation):
    """The file no longer imports what the statement `import` imports, unless something in the file
    uses it.

    An import counts as used if code, `__all__`, an annotation in quotes or a type comment names it,
    and if it is written `import x as x` or marked for a linter (`# noqa: F401`, in its line or for
    the file); `from __future__ import annotations`, if there is an annotation. Then it stays, and
    the operation says where it is used. A parameter or a local variable of its name is no use.
    """

    ensure = "no-import"
    SELECTORS: ClassVar[tuple[str, ...]] = ()
    VALID = (
        Example(
            "a statement",
            "import os\nimport re  # gone\nimport sys\n\nprint(os, sys)\n",
            {"in": "m.py", "import": "import re"},
            "import os\nimport sys\n\nprint(os, sys)\n",
        ),
        Example(
            "a section",
            "import os\n\nimport aiogram\n\nprint(os)\n",
            {"in": "m.py", "import": "import aiogram"},
            "import os\n\nprint(os)\n",
        ),
        Example(
            "the only one",
            '"""Doc."""\n\nimport os\n\n\ndef f(): ...\n',
            {"in": "m.py", "import": "import os"},
            '"""Doc."""\n\n\ndef f(): ...\n',
        ),
        Example(
            "one of several names",
            "from a import B, C, D  # why\n\nprint(B, D)\n",
            {"in": "m.py", "import": "from a import C"},
            "from a import B, D  # why\n\nprint(B, D)\n",
        ),
        Example(
            "names on lines of their own",
            "from a import (\n    B,\n    C,  # c\n    D as E,\n)\n\nprint(B)\n",
            {"in": "m.py", "import": "from a import C, D as E"},
            "from a import (\n    B,\n)\n\nprint(B)\n",
        ),
        Example(
            "the last for type checking, with the block",
            "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from a import A\n\nx = 1\n",
            {"in": "m.py", "import": "from a import A"},
            "x = 1\n",
        ),
        Example(
            "all names of a statement, those that are used left",
            "from a import A, B\n\n__all__ = ['A']\n",
            {"in": "m.py", "import": "from a import A, B"},
            "from a import A\n\n__all__ = ['A']\n",
        ),
        Example(
            "one that is used stays",
            "import re\n\nx = re.compile('x')\n",
            {"in": "m.py", "import": "import re"},
            "import re\n\nx = re.compile('x')\n",
        ),
        Example(
            "one that an annotation in quotes uses stays",
            "from a import A\n\n\ndef f(x: 'list[A]'): ...\n",
            {"in": "m.py", "import": "from a import A"},
            "from a import A\n\n\ndef f(x: 'list[A]'): ...\n",
        ),
        Example(
            "one that is there for others stays",
            "from a import A as A\nfrom a import B  # noqa: F401\n",
            {"in": "m.py", "import": "from a import A, B"},
            "from a import A as A\nfrom a import B  # noqa: F401\n",
        ),
        Example(
            "one that is not there",
            "import os\n",
            {"in": "m.py", "import": "import re"},
            "import os\n",
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
            "another branch imports something else under the name",
            "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib\n",
            {"in": "m.py", "import": "import tomllib"},
            Outcome.DRIFTED,
            "tomllib is imported in a try, if or with",
        ),
    )

    import_: str

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted("import", self.import_)

    def describe(self) -> str:
        return f"remove `{self.import_.strip()}` from {self.in_}, if nothing uses it"

    def edit(self, source: Source) -> Edit:
        draft = Draft(source)
        kept = []
        for name in wanted("import", self.import_):
            stay: set[int] = set()
            while (found := self._next(draft.source, name, stay)) is not None:
                statement, theirs = found
                lines = uses(draft.source, theirs, statement)
                if lines:
                    kept.append(f"{name.bound or name} still used at {source.path}:{lines[0]}")
                    stay.add(draft.source.line(draft.source.span(statement.node).start))
                    if not statement.guard:
                        break
                    continue
                if statement.guard in {"block", "class"}:
                    where = "a class" if statement.guard == "class" else "a try, if or with"
                    raise draft.source.drifted(
                        self.describe(),
                        f"{name} is imported in {where}",
                        statement.node,
                        hint="remove it by hand",
                    )
                drop(draft, statement, theirs)
        removed = f"remove `{self.import_.strip()}` from {self.in_}"
        said = [removed] if draft.splices else []
        if kept:
            said.append(f"kept: {', '.join(kept)}")
        return Edit(draft.splices, "; ".join(said))

    def _next(
        self, source: Source, name: ImportedName, stay: set[int]
    ) -> tuple[ImportStatement, ImportedName] | None:
        """The first import of a name, those in lines that `stay` left out."""
        for statement in statements(source, local=True):
            for theirs in statement.names:
                line = source.line(source.span(statement.node).start)
                if theirs.means(name, source.path) and line not in stay:
                    return statement, theirs
        return None
