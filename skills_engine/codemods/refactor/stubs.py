"""Stubs: `.pyi` files, which a type checker reads in the place of the modules beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.refactor.overlay import OverlaidFiles
from skills_engine.codemods.refactor.project import Project
from skills_engine.codemods.source.source import Source

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["StubbedProject"]


class StubbedProject(Project):
    """The project as a type checker sees it: a stub that has one of some words stands in the place
    of its module, and bears that module's path here. Raises Unparsable for a stub that does not
    parse.
    """

    def __init__(self, files: Files, *words: str) -> None:
        paths = {path for word in words for path in files.containing(word.encode(), ".pyi")}
        contents = {path: files.read(path) or b"" for path in sorted(paths)}
        for path, data in contents.items():
            Source.parse(path, data)  # what is wrong with it is said of it, not of its module
        self.stubs = {path.removesuffix("i"): path for path in contents}
        """The stubs by the paths of their modules."""
        super().__init__(OverlaidFiles(files, {p[:-1]: data for p, data in contents.items()}))
