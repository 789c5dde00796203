"""What owners, and upstream, do to files: the same to any version of a repository that has what the
edit is about.

An edit is made for one version and is then applied to another as well: to the
owner's tree with a skill, and to the tree as it would be without. Where a
version does not have, exactly once, what the edit is about, there is no such edit.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Mapping

from laws.generate import PACKAGES, Tape

__all__ = ["Edit", "Files", "Impossible", "edit", "edited"]

Files = Mapping[str, bytes]
Edit = tuple[str, Callable[[Files], Files]]
"""What a person would call it, and how to make it. Raises Impossible."""


class Impossible(LookupError):
    """This version does not have what the edit is about."""


def edited(files: Files, *edits: Edit) -> Files:
    for _, make in edits:
        files = make(files)
    return files


def edit(tape: Tape, files: Files, mark: str) -> Edit:
    """An edit of these files. `mark` is in the names that it brings."""
    python = [path for path in _paths(files) if path.endswith(".py") and files[path].strip()]
    kind = tape.number(0, 9)
    if kind <= 1:
        return _reformatted(tape, tape.one(python))
    if kind == 2:
        return tape.one(_data(mark))
    if kind == 3:
        return tape.one(_whole(mark))
    path = tape.one(python)
    definitions = re.findall(r"^(?:class|def) (\w+)", files[path].decode(), re.MULTILINE)
    if kind == 4 and definitions:
        old = tape.one(definitions)
        return tape.one([_renamed(old, f"{mark}{old}"), _deleted(path, old)])
    rows = re.findall(r"^(\w+)(?:: Any)? = [\[({]", files[path].decode(), re.MULTILINE)
    if kind <= 6 and rows:
        return _element(tape, path, tape.one(rows), files, mark)
    return _near_a_line(tape, path, files, mark)


def _paths(files: Files) -> list[str]:
    return sorted(path for path in files if not path.startswith((PACKAGES, "manifests/")))


# --- text


def _in(path: str, change: Callable[[str], str]) -> Callable[[Files], Files]:
    """A change of a file's text, whatever its line ends are."""

    def make(files: Files) -> Files:
        if path not in files:
            raise Impossible(path)
        text = files[path].decode()
        crlf = "\r\n" in text
        after = change(text.replace("\r\n", "\n"))
        if path.endswith(".py"):
            try:
                compile(after, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError):
                raise Impossible(path) from None
        return {**files, path: (after.replace("\n", "\r\n") if crlf else after).encode()}

    return make


def _swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        if text.count(old) != 1:
            raise Impossible(old)
        return text.replace(old, new)

    return change


def _near_a_line(tape: Tape, path: str, files: Files, mark: str) -> Edit:
    """A line before or after one that stands there once; or that line with a comment, or as
    another.
    """
    text = files[path].decode().replace("\r\n", "\n")
    lines = text.split("\n")
    once = [line for line in lines if line.strip() and lines.count(line) == 1 and '"""' not in line]
    line = tape.one(once) if once else ""
    indent = line[: len(line) - len(line.lstrip())]
    if not line:
        return "a last line", _in(path, lambda text: text + f"{mark} = 1\n")

    def around(new: str) -> Callable[[str], str]:
        def change(text: str) -> str:
            there = text.split("\n")
            if there.count(line) != 1:
                raise Impossible(line)
            return "\n".join(part for each in there for part in ([new] if each == line else [each]))

        return change

    return tape.one(
        [
            (f"a comment before {line!r}", _in(path, around(f"{indent}# {mark} says\n{line}"))),
            (f"a comment after {line!r}", _in(path, around(f"{line}\n{indent}# {mark} says"))),
            (f"a statement before {line!r}", _in(path, around(f"{indent}{mark} = 1\n{line}"))),
            (f"a statement after {line!r}", _in(path, around(f"{line}\n{indent}{mark} = 1"))),
            (f"a blank line before {line!r}", _in(path, around(f"\n{line}"))),
            (
                f"a comment on {line!r}",
                _in(path, around(line if "#" in line else f"{line}  # {mark}")),
            ),
            (f"another number in {line!r}", _in(path, around(re.sub(r"\b\d\b", "77", line)))),
            (
                f"without {line!r}",
                _in(path, lambda text: around("\0")(text).replace("\0\n", "").replace("\0", "")),
            ),
        ]
    )


# --- definitions


def _deleted(path: str, name: str) -> Edit:
    def change(text: str) -> str:
        found = [node for node in ast.parse(text).body if getattr(node, "name", None) == name]
        if len(found) != 1:
            raise Impossible(name)
        node = found[0]
        assert isinstance(node, ast.FunctionDef | ast.ClassDef)
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        lines = text.split("\n")
        return "\n".join([*lines[: first - 1], *lines[node.end_lineno :]])

    return f"without the definition of {name}", _in(path, change)


def _renamed(old: str, new: str) -> Edit:
    def make(files: Files) -> Files:
        found = {}
        for path, data in files.items():
            python = path.endswith(".py") and not path.startswith(PACKAGES)
            found[path] = re.sub(rf"\b{old}\b".encode(), new.encode(), data) if python else data
        return found

    return f"{old} is called {new}", make


def _element(tape: Tape, path: str, row: str, files: Files, mark: str) -> Edit:
    """An element more in a literal, after one that is there, or first.

    A person looks at the line that is there: where that is laid out otherwise, it would be another
    edit.
    """
    new = f'"{mark}": 1' if _literal(files[path].decode(), row)[0] == "dict" else f'"{mark}"'
    elements = _literal(files[path].decode().replace("\r\n", "\n"), row)[1]
    after = tape.one([None, *elements])
    layouts: list[bool] = []

    def as_before(alone: bool) -> bool:
        layouts.append(alone)
        if alone != layouts[0]:
            raise Impossible(row)
        return alone

    def change(text: str) -> str:
        kind, there = _literal(text, row)
        if kind == "tuple" and len(there) < 2:
            raise Impossible(row)
        if after is None:
            start = _start(text, row)
            if there and as_before(text[start] == "\n"):
                indent = re.match(r"\n[ \t]*", text[start:])
                return text[:start] + (indent[0] if indent else "\n") + new + "," + text[start:]
            return text[:start] + new + (", " if there else "") + text[start:]
        places = [end for source, end in _elements(text, row) if source == after]
        if len(places) != 1:
            raise Impossible(after)
        line = text[text.rfind("\n", 0, places[0]) + 1 : places[0]]
        between = (
            ",\n" + line[: len(line) - len(line.lstrip())]
            if as_before(line.strip() == after)
            else ", "
        )
        return text[: places[0]] + between + new + text[places[0] :]

    return f"{new} in {row} after {after}", _in(path, change)


def _node(text: str, row: str) -> ast.Dict | ast.List | ast.Tuple | ast.Set:
    for node in ast.parse(text).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if (
            isinstance(target, ast.Name)
            and target.id == row
            and isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set)
        ):
            return value
    raise Impossible(row)


def _elements(text: str, row: str) -> list[tuple[str, int]]:
    """The source of each element and where it ends."""
    node = _node(text, row)
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    if isinstance(node, ast.Dict):
        pairs = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        ]
    else:
        pairs = [(each, each) for each in node.elts]
    out = []
    for first, last in pairs:
        start, end = (
            starts[first.lineno - 1] + first.col_offset,
            starts[(last.end_lineno or 1) - 1] + (last.end_col_offset or 0),
        )
        out.append((text[start:end], end))
    return out


def _literal(text: str, row: str) -> tuple[str, list[str]]:
    return type(_node(text, row)).__name__.lower(), [source for source, _ in _elements(text, row)]


def _start(text: str, row: str) -> int:
    """After the opening bracket."""
    match = re.search(rf"^{row}(?:: Any)? = [\[({{]", text, re.MULTILINE)
    if match is None:
        raise Impossible(row)
    return match.end()


# --- layout


def _reformatted(tape: Tape, path: str) -> Edit:
    """What formatters do, as far as it does not depend on what else is in the file."""
    return tape.one(
        [
            ("single quotes", _in(path, _quoted("'"))),
            ("double quotes", _in(path, _quoted('"'))),
            ("every element on a line of its own", _in(path, _exploded)),
            ("every literal on one line", _in(path, _joined)),
            ("tabs", _in(path, _tabbed)),
            ("another line end", _other_line_end(path)),
            ("imports in another order", _in(path, _sorted_imports)),
            ("no line end at the end", _in(path, lambda text: text.rstrip("\n"))),
        ]
    )


def _quoted(quote: str) -> Callable[[str], str]:
    other = "'" if quote == '"' else '"'

    def change(text: str) -> str:
        out = []
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            string = token.string
            if (
                token.type == tokenize.STRING
                and string[0] == other
                and string[:3] != other * 3
                and quote not in string
            ):
                string = quote + string[1:-1] + quote
            out.append((token.type, string, token.start, token.end, token.line))
        return tokenize.untokenize(tokenize.TokenInfo(*each) for each in out)

    return change


def _rows(text: str) -> list[str]:
    return re.findall(r"^(\w+)(?:: Any)? = [\[({]", text, re.MULTILINE)


def _laid_out(text: str, between: Callable[[list[str], str], str]) -> str:
    for row in _rows(text):
        node = _node(text, row)
        lines = text.split("\n")
        end = (
            sum(len(line) + 1 for line in lines[: (node.end_lineno or 1) - 1])
            + (node.end_col_offset or 0)
            - 1
        )
        start = _start(text, row)
        if "#" in text[start:end]:
            continue
        elements = [source for source, _ in _elements(text, row)]
        if elements:
            text = text[:start] + between(elements, text[start - 1]) + text[end:]
    return text


def _exploded(text: str) -> str:
    return _laid_out(
        text, lambda elements, _: "\n" + "".join(f"    {each},\n" for each in elements)
    )


def _joined(text: str) -> str:
    return _laid_out(
        text,
        lambda elements, opening: (
            ", ".join(elements) + "," * (opening == "(" and len(elements) == 1)
        ),
    )


def _tabbed(text: str) -> str:
    if "\t" in text:
        raise Impossible("it has tabs")
    return re.sub(r"^(    )+", lambda match: "\t" * (len(match[0]) // 4), text, flags=re.MULTILINE)


def _sorted_imports(text: str) -> str:
    """The import statements of a line, the other way round."""
    lines = text.split("\n")
    places = [n for n, line in enumerate(lines) if re.match(r"(from \S+ import \w|import )", line)]
    if not places or places != list(range(places[0], places[0] + len(places))):
        raise Impossible("imports")
    block = sorted(lines[places[0] : places[-1] + 1], reverse=True)
    return "\n".join([*lines[: places[0]], *block, *lines[places[-1] + 1 :]])


def _other_line_end(path: str) -> Callable[[Files], Files]:
    def make(files: Files) -> Files:
        if path not in files:
            raise Impossible(path)
        unix = files[path].replace(b"\r\n", b"\n")
        return {**files, path: unix if unix != files[path] else unix.replace(b"\n", b"\r\n")}

    return make


# --- other files


def _data(mark: str) -> list[Edit]:
    return [
        ("another value", _in(".env.example", _swap("LEVEL=info", "LEVEL=debug"))),
        ("a key more, last", _in(".env.example", lambda text: text + f"{mark.upper()}=1\n")),
        ("a key more, first", _in(".env.example", lambda text: f"{mark.upper()}=1\n" + text)),
        (
            "a service more",
            _in("compose.yaml", lambda text: text + f"  {mark}:\n    image: mine\n"),
        ),
        ("another image", _in("compose.yaml", _swap("image: app  # ours", "image: app:2  # ours"))),
        ("an item more", _in("conf/app.yaml", _swap("    - one\n", f"    - one\n    - {mark}\n"))),
        (
            "an item more, last",
            _in(
                "conf/app.yaml",
                _swap("    - two  # second\n", f"    - two  # second\n    - {mark}\n"),
            ),
        ),
        ("a table more", _in("pyproject.toml", lambda text: text + f"\n[tool.{mark}]\nx = 1\n")),
        (
            "a dependency more",
            _in("pyproject.toml", _swap("dependencies = [", f'dependencies = ["{mark}", ')),
        ),
        ("another paragraph", _in("README.md", _swap("What it is.", f"What {mark} is."))),
    ]


def _whole(mark: str) -> list[Edit]:
    def moved(files: Files) -> Files:
        if "app/tools.py" not in files:
            raise Impossible("app/tools.py")
        return {
            ("app/helpers.py" if path == "app/tools.py" else path): data
            for path, data in files.items()
        }

    return [
        ("a file more", lambda files: {**files, f"app/{mark}.py": b"x = 1\n"}),
        (
            "a file less",
            lambda files: {path: data for path, data in files.items() if path != "README.md"},
        ),
        ("a file moved", moved),
    ]
