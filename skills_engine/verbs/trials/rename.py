"""Changes that give a thing another name, or another place, wherever it is used."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.verbs.trials.edit import EditedText, bound
from skills_engine.verbs.trials.targets import Files, module

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["moved", "renamed", "renamed_module"]

_END = "_after_all"


def renamed(path: str, name: str) -> Callable[[Files], Files]:
    """A name of a module, and every word in the repository that is the same."""
    new = f"{name}AfterAll" if not name.isupper() else f"{name}_AFTER_ALL"
    new = name + _END if name.islower() else new

    def perturb(files: Files) -> Files:
        if path not in files or any(re.search(rf"\b{new}\b", text) for text in files.values()):
            return files
        return {
            p: re.sub(rf"\b{name}\b", new, text) if name in text else text
            for p, text in files.items()
        }

    return perturb


def renamed_module(path: str) -> Callable[[Files], Files]:
    """A file, and all that names it by its dotted name."""
    new = path.removesuffix(".py") + _END + ".py"

    def perturb(files: Files) -> Files:
        if path not in files:
            return files
        old = module(path)
        package, _, last = old.rpartition(".")
        out = {}
        for p, text in files.items():
            out[p] = text
            if last not in text:
                continue
            changed = re.sub(rf"\b{re.escape(old)}\b", module(new), text)
            if package:
                line = rf"^(\s*from {re.escape(package)} import .*)\b{last}\b"
                changed = re.sub(line, rf"\1{last}{_END} as {last}", changed, flags=re.MULTILINE)
            out[p] = changed
        out[new] = out.pop(path)
        return out

    return perturb


def moved(path: str, name: str) -> Callable[[Files], Files]:
    """A definition in a module of its own, with a copy of the imports; imported where it was."""
    folder, _, file = path.rpartition("/")
    stem = file.removesuffix(".py").strip("_")
    new = f"{folder}/{stem}{_END}.py" if folder else f"{stem}{_END}.py"

    def perturb(files: Files) -> Files:
        text = EditedText(files.get(path, ""))
        node = text.named(name)
        if node is None or _needs_more(text, node):
            return files
        imports = [n for n in text.tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        head = "".join(text.segment(each) + "\n" for each in imports)
        piece = text.source[text.line_start(node) : text.line_end(node)]
        back = f"from {module(new)} import {name} as {name}\n"
        edits = [(text.line_start(node), text.line_end(node), "")]
        last = imports[-1] if imports else text.tree.body[0]
        edits.append((text.line_end(last), text.line_end(last), back))
        return files | {path: text.edited(edits), new: f"{head}\n\n{piece}"}

    return perturb


def _needs_more(text: EditedText, node: ast.stmt) -> bool:
    """Whether it uses other definitions of its module: it cannot move alone."""
    here = {name for each in text.tree.body if each is not node for name in bound(each)}
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return bool(here & used)
