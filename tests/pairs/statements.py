"""Kinds of edits to statements, definitions, imports and comments."""

from __future__ import annotations

import ast
import random
import re

from pairs.edits import Edit, Kind, Site, Tree, expression, number, statement

__all__ = ["STATEMENTS"]


def _simple(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr | ast.Assign | ast.AugAssign | ast.AnnAssign)


def _inserted(text: str, *, behind: bool) -> Kind:
    """A statement above or below the one in focus."""

    def kind(site: Site, rng: random.Random) -> Edit | None:
        lines = site.lines(site.focus)
        if lines is None or (not behind and _is_docstring(site.focus)):
            return None
        if behind and isinstance(site.focus, ast.Return | ast.Raise):
            return None
        said = text.format(n=rng.randrange(3))
        at = lines[1] if behind else lines[0]

        def change(tree: Tree) -> None:
            row, place = tree.row(number(site.focus))
            row.insert(place + behind, statement(said))

        return Edit(((at, at, f"{site.indent(site.focus)}{said}\n"),), change)

    return kind


def _is_docstring(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant)


def deleted(site: Site, _: random.Random) -> Edit | None:
    lines = site.lines(site.focus)
    row, _at = site.tree.row(number(site.focus))
    if lines is None or len(row) < 2:
        return None

    def change(tree: Tree) -> None:
        there, place = tree.row(number(site.focus))
        del there[place]

    return Edit(((*lines, ""),), change)


def moved_down(site: Site, _: random.Random) -> Edit | None:
    """The statement and the next one change places."""
    row, at = site.tree.row(number(site.focus))
    lines = site.lines(site.focus)
    if at + 1 >= len(row) or lines is None or _is_docstring(site.focus):
        return None
    after = row[at + 1]
    below = site.lines(after) if isinstance(after, ast.stmt) else None
    if below is None or below[0] != lines[1] or not _simple(site.focus):
        return None

    def change(tree: Tree) -> None:
        there, place = tree.row(number(site.focus))
        node = there.pop(place)
        same, other = tree.row(number(after))
        if same is not there:
            raise LookupError
        there.insert(other + 1, node)

    text = site.text[slice(*lines)]
    return Edit(((*lines, ""), (below[1], below[1], text)), change)


def moved_up(site: Site, _: random.Random) -> Edit | None:
    """The statement goes to the top of its body."""
    row, at = site.tree.row(number(site.focus))
    lines = site.lines(site.focus)
    first = row[0]
    if at < 2 or lines is None or not isinstance(first, ast.stmt) or not _simple(site.focus):
        return None
    top = site.lines(first)
    if top is None or _is_docstring(first):
        return None

    def change(tree: Tree) -> None:
        there, place = tree.row(number(site.focus))
        node = there.pop(place)
        same, other = tree.row(number(first))
        if same is not there:
            raise LookupError
        there.insert(other, node)

    return Edit(((top[0], top[0], site.text[slice(*lines)]), (*lines, "")), change)


def _wrapped(header: str, footer: str = "") -> Kind:
    """A statement is put into a `with`, an `if`, a `for` or a `try`."""

    def kind(site: Site, _: random.Random) -> Edit | None:
        lines = site.lines(site.focus)
        if lines is None or not _simple(site.focus) or _is_docstring(site.focus):
            return None
        if '"""' in site.source(site.focus) or "'''" in site.source(site.focus):
            return None
        indent = site.indent(site.focus)
        starts = [lines[0]] + [
            m.end() for m in re.finditer("\n", site.text[: lines[1] - 1]) if m.end() > lines[0]
        ]
        splices = [(at, at, "    ") for at in starts]
        splices[0] = (lines[0], lines[0], f"{indent}{header}\n    ")
        if footer:
            below = "".join(f"{indent}{line}\n" for line in footer.split("\n"))
            splices.append((lines[1], lines[1], below))

        def change(tree: Tree) -> None:
            below = f"\n{footer}" if footer else ""
            outer = statement(f"{header}\n    HOLE{below}")

            def put(inner: ast.AST) -> ast.AST:
                assert isinstance(inner, ast.stmt)
                outer.body = [inner]  # type: ignore[attr-defined]
                return outer

            tree.replace(number(site.focus), put)

        return Edit(tuple(splices), change)

    return kind


def extracted(site: Site, rng: random.Random) -> Edit | None:
    """A part of the statement gets a name above it."""
    calls = [
        n for n in ast.walk(site.focus)
        if isinstance(n, ast.Call) and site.one_line(n)
    ]  # fmt: skip
    lines = site.lines(site.focus)
    if not calls or lines is None or not isinstance(site.focus, ast.Assign | ast.Expr | ast.Return):
        return None
    node = rng.choice(calls)
    if isinstance(site.focus, ast.Expr) and node is site.focus.value:
        return None
    if any(isinstance(n, ast.Lambda | ast.comprehension) for n in ast.walk(site.focus)):
        return None
    start, end = site.span(node)
    text = f"{site.indent(site.focus)}part = {site.text[start:end]}\n"

    def change(tree: Tree) -> None:
        found: list[ast.AST] = []

        def hole(inner: ast.AST) -> ast.AST:
            found.append(inner)
            return ast.Name("part", ast.Load())

        tree.replace(number(node), hole)
        row, place = tree.row(number(site.focus))
        assert isinstance(found[0], ast.expr)
        row.insert(place, ast.Assign([ast.Name("part", ast.Store())], found[0]))

    return Edit(((lines[0], lines[0], text), (start, end, "part")), change)


def returned_by_name(site: Site, _: random.Random) -> Edit | None:
    """`return v` becomes `answer = v` and `return answer`."""
    stmt = site.focus
    lines = site.lines(stmt)
    if not isinstance(stmt, ast.Return) or stmt.value is None or lines is None:
        return None
    if isinstance(stmt.value, ast.Name | ast.Constant) or not site.one_line(stmt):
        return None  # of these nothing tells the value that was named from the one returned
    start = site.span(stmt)[0]
    value = number(stmt.value)

    def change(tree: Tree) -> None:
        there = tree.node(number(stmt))
        assert isinstance(there, ast.Return)
        tree.node(value)
        assert there.value is not None
        row, place = tree.row(number(stmt))
        row.insert(place, ast.Assign([ast.Name("answer", ast.Store())], there.value))
        there.value = ast.Name("answer", ast.Load())

    return Edit(
        (
            (start, start + len("return "), "answer = "),
            (lines[1], lines[1], f"{site.indent(stmt)}return answer\n"),
        ),
        change,
    )


def annotated(site: Site, _: random.Random) -> Edit | None:
    stmt = site.focus
    if not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1:
        return None
    target = stmt.targets[0]
    if not isinstance(target, ast.Name):
        return None
    at = site.span(target)[1]

    def change(tree: Tree) -> None:
        def typed(node: ast.AST) -> ast.AST:
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                raise LookupError
            return ast.AnnAssign(node.targets[0], expression("object"), node.value, 1)

        tree.replace(number(stmt), typed)

    return Edit(((at, at, ": object"),), change)


def condition_negated(site: Site, _: random.Random) -> Edit | None:
    stmt = site.focus
    if not isinstance(stmt, ast.If | ast.While) or not site.one_line(stmt.test):
        return None
    start, end = site.span(stmt.test)
    if site.text[start - 1] != " " or site.text[end] != ":":
        return None

    def change(tree: Tree) -> None:
        def negated(inner: ast.AST) -> ast.AST:
            assert isinstance(inner, ast.expr)
            return ast.UnaryOp(ast.Not(), inner)

        tree.replace(number(stmt.test), negated)

    return Edit(((start, start, "not ("), (end, end, ")")), change)


def else_added(site: Site, _: random.Random) -> Edit | None:
    stmt = site.focus
    lines = site.lines(stmt)
    if not isinstance(stmt, ast.If) or stmt.orelse or lines is None:
        return None

    def change(tree: Tree) -> None:
        there = tree.node(number(stmt))
        assert isinstance(there, ast.If)
        if there.orelse:
            raise LookupError
        there.orelse = [statement("otherwise()")]

    indent = site.indent(stmt)
    return Edit(((lines[1], lines[1], f"{indent}else:\n{indent}    otherwise()\n"),), change)


# --- comments and layout: the tree stays


def _same(_: Tree) -> None:
    return


def comment_above(site: Site, rng: random.Random) -> Edit | None:
    lines = site.lines(site.focus)
    if lines is None or _is_docstring(site.focus):
        return None
    text = f"{site.indent(site.focus)}# a remark {rng.randrange(9)}\n"
    return Edit(((lines[0], lines[0], text),), _same)


def comment_behind(site: Site, rng: random.Random) -> Edit | None:
    lines = site.lines(site.focus)
    if lines is None or not _simple(site.focus):
        return None
    at = lines[1] - 1
    return Edit(((at, at, f"  # because {rng.randrange(9)}"),), _same)


def spread(site: Site, rng: random.Random) -> Edit | None:
    """A call's arguments, one a line."""
    calls = [
        n for n in ast.walk(site.focus)
        if isinstance(n, ast.Call) and n.args and site.one_line(n) and not n.keywords
    ]  # fmt: skip
    if not calls:
        return None
    node = rng.choice(calls)
    if any(isinstance(n, ast.JoinedStr | ast.GeneratorExp) for n in ast.walk(site.focus)):
        return None
    start, end = site.span(node.args[0])[0], site.span(node)[1] - 1
    if site.text[start - 1] != "(" or site.text[site.span(node.args[-1])[1]] != ")":
        return None
    indent = site.indent(site.focus)
    gaps = [(start, start, f"\n{indent}    "), (end, end, f",\n{indent}")]
    for one, other in zip(node.args, node.args[1:], strict=False):
        low, high = site.span(one)[1], site.span(other)[0]
        if site.text[low:high] != ", ":
            return None
        gaps.append((low, high, f",\n{indent}    "))
    return Edit(tuple(gaps), _same)


def blank_above(site: Site, _: random.Random) -> Edit | None:
    lines = site.lines(site.focus)
    return None if lines is None else Edit(((lines[0], lines[0], "\n"),), _same)


# --- definitions


def local_renamed(site: Site, rng: random.Random) -> Edit | None:
    """A variable of the function is called otherwise."""
    stored = sorted({
        n.id for n in ast.walk(site.function)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    })  # fmt: skip
    if not stored:
        return None
    old = rng.choice(stored)
    words = [
        n for n in ast.walk(site.function)
        if isinstance(n, ast.Global | ast.Nonlocal | ast.JoinedStr | ast.MatchAs)
    ]  # fmt: skip
    if words or any(a.arg == old for a in ast.walk(site.function) if isinstance(a, ast.arg)):
        return None
    uses = [n for n in ast.walk(site.function) if isinstance(n, ast.Name) and n.id == old]
    numbers = {number(n) for n in uses}

    def change(tree: Tree) -> None:
        for node in ast.walk(tree.module):
            if getattr(node, "number", None) in numbers and isinstance(node, ast.Name):
                node.id = f"{old}_renamed"

    return Edit(tuple((*site.span(n), f"{old}_renamed") for n in uses), change)


def parameter_added(site: Site, rng: random.Random) -> Edit | None:
    args = site.function.args
    if not args.args or args.vararg or args.kwonlyargs or args.kwarg or args.posonlyargs:
        return None
    last = args.defaults[-1] if args.defaults else args.args[-1]
    at = site.span(last)[1]
    if site.text[at] not in ",)":
        return None
    name = rng.choice(["verbose", "retries"])

    def change(tree: Tree) -> None:
        there = tree.node(number(site.function))
        assert isinstance(there, ast.FunctionDef)
        there.args.args.append(ast.arg(name))
        there.args.defaults.append(ast.Constant(None))

    return Edit(((at, at, f", {name}=None"),), change)


def parameter_annotated(site: Site, rng: random.Random) -> Edit | None:
    args = [a for a in site.function.args.args if a.annotation is None and a.arg != "self"]
    if not args:
        return None
    node = rng.choice(args)
    at = site.span(node)[1]

    def change(tree: Tree) -> None:
        there = tree.node(number(node))
        assert isinstance(there, ast.arg)
        there.annotation = expression("object")

    return Edit(((at, at, ": object"),), change)


def returns_annotated(site: Site, _: random.Random) -> Edit | None:
    if site.function.returns is not None:
        return None
    head = site.text.rfind("):", 0, site.span(site.function.body[0])[0])
    if (
        head < site.span(site.function)[0]
        or "#" in site.text[head : site.span(site.function.body[0])[0]]
    ):
        return None

    def change(tree: Tree) -> None:
        there = tree.node(number(site.function))
        assert isinstance(there, ast.FunctionDef)
        there.returns = expression("object")

    return Edit(((head + 1, head + 1, " -> object"),), change)


def default_changed(site: Site, rng: random.Random) -> Edit | None:
    if not site.function.args.defaults:
        return None
    node = rng.choice(site.function.args.defaults)

    def change(tree: Tree) -> None:
        tree.replace(number(node), lambda _: expression("DEFAULT"))

    return Edit(((*site.span(node), "DEFAULT"),), change)


def decorated(site: Site, rng: random.Random) -> Edit | None:
    lines = site.lines(site.function)
    if lines is None:
        return None
    name = rng.choice(["traced", "cached"])

    def change(tree: Tree) -> None:
        there = tree.node(number(site.function))
        assert isinstance(there, ast.FunctionDef)
        there.decorator_list.insert(0, expression(name))

    text = f"{site.indent(site.function)}@{name}\n"
    return Edit(((lines[0], lines[0], text),), change)


def _new_definition(*, behind: bool) -> Kind:
    def kind(site: Site, rng: random.Random) -> Edit | None:
        lines = site.lines(site.function)
        if lines is None:
            return None
        indent, name = (
            site.indent(site.function),
            f"{'below' if behind else 'above'}_{rng.randrange(3)}",
        )
        code = f"def {name}(self):\n    return self.ready({name!r})\n"
        at = lines[1] if behind else lines[0]
        text = "".join(f"{indent}{line}\n" for line in code.splitlines())
        text = f"\n{text}" if behind else f"{text}\n"

        def change(tree: Tree) -> None:
            row, place = tree.row(number(site.function))
            row.insert(place + behind, statement(code))

        return Edit(((at, at, text),), change)

    return kind


def definition_renamed(site: Site, _: random.Random) -> Edit | None:
    start = site.text.find(f"def {site.function.name}", site.span(site.function)[0] - 1) + 4
    end = start + len(site.function.name)

    def change(tree: Tree) -> None:
        there = tree.node(number(site.function))
        assert isinstance(there, ast.FunctionDef)
        there.name = "called_otherwise"

    return Edit(((start, end, "called_otherwise"),), change)


def definition_moved(site: Site, _: random.Random) -> Edit | None:
    """The function and the next definition change places."""
    row, at = site.tree.row(number(site.function))
    lines = site.lines(site.function)
    after = row[at + 1] if at + 1 < len(row) else None
    if lines is None or not isinstance(after, ast.FunctionDef):
        return None
    below = site.lines(after)
    if below is None or site.text[lines[1] : below[0]].strip():
        return None
    gap = site.text[lines[1] : below[0]]

    def change(tree: Tree) -> None:
        there, place = tree.row(number(site.function))
        node = there.pop(place)
        same, other = tree.row(number(after))
        if same is not there:
            raise LookupError
        there.insert(other + 1, node)

    text = site.text[slice(*lines)]
    return Edit(((lines[0], below[0], ""), (below[1], below[1], gap + text)), change)


def _imported(code: str) -> Kind:
    """An import below the last one at the top of the file."""

    def kind(site: Site, _: random.Random) -> Edit | None:
        imports = [s for s in site.tree.module.body if isinstance(s, ast.Import | ast.ImportFrom)]
        lines = site.lines(imports[-1]) if imports else None
        if lines is None:
            return None

        def change(tree: Tree) -> None:
            row, place = tree.row(number(imports[-1]))
            row.insert(place + 1, statement(code))

        return Edit(((lines[1], lines[1], f"{code}\n"),), change)

    return kind


STATEMENTS: dict[str, Kind] = {
    "statement above": _inserted("prepare({n})", behind=False),
    "statement below": _inserted("finish({n})", behind=True),
    "assignment above": _inserted("started = clock({n})", behind=False),
    "statement deleted": deleted,
    "statement moved down": moved_down,
    "statement moved to the top": moved_up,
    "put into with": _wrapped("with lock:"),
    "put into if": _wrapped("if ready:"),
    "put into for": _wrapped("for attempt in attempts:"),
    "put into try": _wrapped("try:", "except OSError:\n    give_up()"),
    "put into try and finally": _wrapped("try:", "finally:\n    close()"),
    "variable extracted": extracted,
    "returned by a name": returned_by_name,
    "assignment annotated": annotated,
    "condition negated": condition_negated,
    "else added": else_added,
    "comment above": comment_above,
    "comment behind": comment_behind,
    "arguments one a line": spread,
    "blank line above": blank_above,
    "local variable renamed": local_renamed,
    "parameter added": parameter_added,
    "parameter annotated": parameter_annotated,
    "result annotated": returns_annotated,
    "default changed": default_changed,
    "decorated": decorated,
    "definition above": _new_definition(behind=False),
    "definition below": _new_definition(behind=True),
    "definition renamed": definition_renamed,
    "definition moved": definition_moved,
    "import added": _imported("import zlib"),
    "from import added": _imported("from shop import Basket"),
}
