"""ensure: text"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.data_operation import DataOperation
from skills_engine.codemods.operation import Example, Malformed, Refusal
from skills_engine.codemods.source.snippets import first_difference, one_line
from skills_engine.data import snippet
from skills_engine.data.errors import DataError
from skills_engine.merge.text import encoding_of
from skills_engine.types import Outcome

__all__ = ["Text"]


@dataclass(frozen=True, kw_only=True)
class Text(DataOperation):
    """In the text file `in`, of any format, what reads `before` reads `after`.

    Where no place reads exactly so, the lines most like `before` are merged with the change, three
    ways; other indentation and other white space at line ends do not count. Where the file changed
    the same lines, Python, TOML, YAML and JSON are merged by their structure. Give a line or two
    around the change in both, so that the place is the only one. For those formats there are
    operations that know them, too.
    """

    ensure = "text"
    VALID = (
        Example(
            "the one place that reads so",
            {"Dockerfile": "FROM node:24\nRUN npm ci\nUSER node\n"},
            {
                "in": "Dockerfile",
                "before": "RUN npm ci\n",
                "after": "RUN apt-get install -y ffmpeg\nRUN npm ci\n",
            },
            {"Dockerfile": "FROM node:24\nRUN apt-get install -y ffmpeg\nRUN npm ci\nUSER node\n"},
        ),
        Example(
            "a part of a line",
            {"README.md": "Talk to it on the console.\n"},
            {
                "in": "README.md",
                "before": "on the console",
                "after": "on the console or on Telegram",
            },
            {"README.md": "Talk to it on the console or on Telegram.\n"},
        ),
        Example(
            "lines that the file has changed nearby, and indents otherwise",
            {"site.conf": "server {\n\tlisten 8443;  \n\tserver_name x;\n\n\tlocation / {\n\t}\n}"},
            {
                "in": "site.conf",
                "before": "listen 443;\nserver_name x;\n\nlocation / {\n}\n",
                "after": "listen 443;\nserver_name x;\n\nlocation / {\n    proxy_pass y;\n}\n",
            },
            {
                "site.conf": "server {\n\tlisten 8443;  \n\tserver_name x;\n\n\tlocation / {\n\t\tproxy_pass y;\n\t}\n}"
            },
        ),
        Example(
            "another part of a line that the file has changed, of Python",
            {"m.py": "def f(a):\n    b = call(a, twice=True)\n    return b\n"},
            {
                "in": "m.py",
                "before": "def f(a):\n    b = call(a)\n    return b\n",
                "after": "def f(a):\n    b = call(a + 1)\n    return b\n",
            },
            {"m.py": "def f(a):\n    b = call(a + 1, twice=True)\n    return b\n"},
        ),
        Example(
            "what reads so already stays",
            {"Makefile": "test:\n\tpytest -q\n"},
            {"in": "Makefile", "before": "\tpytest\n", "after": "\tpytest -q\n"},
            {"Makefile": "test:\n\tpytest -q\n"},
        ),
    )
    INVALID = (
        Refusal(
            "two places read so",
            {"a.txt": "one\ntwo\none\n"},
            {"in": "a.txt", "before": "one\n", "after": "three\n"},
            Outcome.AMBIGUOUS,
            "the snippet is there 2 times",
        ),
        Refusal(
            "the file changed the same line",
            {"a.txt": "a\nb = 2\nc\nd\n"},
            {"in": "a.txt", "before": "a\nb = 1\nc\nd\n", "after": "a\nb = 3\nc\nd\n"},
            Outcome.DRIFTED,
            "the file changed the lines that the snippet changes",
        ),
        Refusal(
            "nothing reads so",
            {"a.txt": "x\ny\n"},
            {"in": "a.txt", "before": "one\n", "after": "two\n"},
            Outcome.MISSING,
            "nothing there is like the snippet",
        ),
    )

    before: str
    after: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.before.strip():
            raise Malformed(
                "before", "`before` is empty", "the text that is there now, with a line around it"
            )
        if not self.after.strip():
            right = "repeat a line around the change in both: without any, a deletion cannot be told from drift"
            raise Malformed("after", "`after` is empty", right)
        if self.before == self.after:
            raise Malformed("after", "`after` is what `before` is", "the text that is to be there")

    def describe(self) -> str:
        before, after = first_difference(self.before, self.after)
        return f"change `{one_line(before)}` to `{one_line(after)}` in {self.in_}"

    def edit(self, data: bytes | None) -> bytes:
        """As UTF-8, where a Python file says that it is written otherwise."""
        data = data or b""
        encoding = encoding_of(self.in_, data)
        try:
            text = data.decode(encoding).encode("utf-8")
        except (UnicodeError, LookupError):
            encoding, text = "utf-8", data
        edited = snippet.ensure(text, self.before, self.after, whole=self._merge)
        if encoding == "utf-8":
            return edited
        try:
            return edited.decode("utf-8").encode(encoding)
        except UnicodeEncodeError as error:
            lacks = f"{error.object[error.start : error.end]!r}"
            what = f"the file is in {encoding}, which cannot write {lacks}"
            raise DataError(what, Outcome.DRIFTED) from None

    def _merge(self, base: str, ours: str, theirs: str) -> str | None:
        """By what the file is made of, where its name tells that."""
        from skills_engine.merge import Merged, Region, merge_file  # noqa: PLC0415  # few snippets need it

        def in_conflict(base: bytes, ours: bytes, theirs: bytes) -> Merged:
            return Merged(ours, (Region(1, base, ours, theirs, "the same lines"),), "lines")

        encoding = encoding_of(self.in_, ours.encode("utf-8", "surrogateescape"))
        try:
            texts = [t.encode(encoding, "surrogateescape") for t in (base, ours, theirs)]
        except (UnicodeError, LookupError):
            return None
        merged = merge_file(self.in_, *texts, lines=in_conflict)
        return merged.data.decode(encoding, "surrogateescape") if merged.clean else None
