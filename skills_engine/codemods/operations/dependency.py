"""ensure: dependency"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.data_operation import DataOperation
from skills_engine.codemods.operation import Example, Malformed, Refusal
from skills_engine.data import dependencies
from skills_engine.data.errors import DataError
from skills_engine.types import Outcome

__all__ = ["Dependency"]


@dataclass(frozen=True, kw_only=True)
class Dependency(DataOperation):
    """The project requires `dependency`, a requirement like `aiogram>=3.31,<4` (PEP 508).

    It goes into `[project] dependencies` of pyproject.toml, or into the dependency group `group`;
    into Poetry's tables where it describes the project. `in` may also be a setup.cfg
    (`install_requires`) or a requirements file. What is required of the same distribution already stays required: the version ranges are
    intersected, the extras united. A range that leaves no version is refused. Entries with other
    markers stand beside it.
    """

    ensure = "dependency"
    VALID = (
        Example(
            "takes its place in a list that is sorted",
            {
                "pyproject.toml": '[project]\nname = "bot"\ndependencies = [\n    "aiosqlite>=0.21",  # the inbox\n    "rich",\n]\n'
            },
            {"dependency": "libcst>=1.8"},
            {
                "pyproject.toml": '[project]\nname = "bot"\ndependencies = [\n    "aiosqlite>=0.21",  # the inbox\n    "libcst>=1.8",\n    "rich",\n]\n'
            },
        ),
        Example(
            "two ranges become what both take",
            {"pyproject.toml": "[project]\ndependencies = ['aiogram[fast] >=3.20, <4']\n"},
            {"dependency": "Aiogram[i18n]>=3.31"},
            {"pyproject.toml": "[project]\ndependencies = ['aiogram[fast,i18n]>=3.31,<4']\n"},
        ),
        Example(
            "a narrower range says so already",
            {"pyproject.toml": '[project]\ndependencies = ["ruamel.yaml ~= 0.18.10"]\n'},
            {"dependency": "ruamel-yaml>=0.18"},
            {"pyproject.toml": '[project]\ndependencies = ["ruamel.yaml ~= 0.18.10"]\n'},
        ),
        Example(
            "a group that is not there yet",
            {"pyproject.toml": '[project]\nname = "bot"  # mine\n\n[tool.x]\ny = 1\n'},
            {"dependency": "pytest; python_version < '3.14'", "group": "test"},
            {
                "pyproject.toml": '[project]\nname = "bot"  # mine\n\n[tool.x]\ny = 1\n\n[dependency-groups]\ntest = [\n    "pytest; python_version < \'3.14\'",\n]\n'
            },
        ),
        Example(
            "a project that Poetry describes",
            {
                "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.9"\nrich = "^13.2"\n\n[tool.x]\n'
            },
            {"dependency": "httpx[http2]>=0.27,<1"},
            {
                "pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.9"\nrich = "^13.2"\nhttpx = { version = ">=0.27,<1", extras = ["http2"] }\n\n[tool.x]\n'
            },
        ),
        Example(
            "a setup.cfg",
            {
                "setup.cfg": "[options]\npackages = find:\ninstall_requires =\n    cfgv>=2\n    nodeenv>=0.11.1\npython_requires = >=3.9\n"
            },
            {"dependency": "identify>=1", "in": "setup.cfg"},
            {
                "setup.cfg": "[options]\npackages = find:\ninstall_requires =\n    cfgv>=2\n    identify>=1\n    nodeenv>=0.11.1\npython_requires = >=3.9\n"
            },
        ),
        Example(
            "a requirements file",
            {"requirements.txt": "-c limits.txt\nrich>=13  # for tables\n"},
            {"dependency": "rich<15", "in": "requirements.txt"},
            {"requirements.txt": "-c limits.txt\nrich>=13,<15  # for tables\n"},
        ),
    )
    INVALID = (
        Refusal(
            "two ranges have nothing in common",
            {"pyproject.toml": '[project]\ndependencies = ["aiogram<3"]\n'},
            {"dependency": "aiogram>=3.31"},
            Outcome.DRIFTED,
            "line 2 requires 'aiogram<3', which contradicts 'aiogram>=3.31'",
        ),
        Refusal(
            "the project is not described there",
            {"pyproject.toml": "[tool.ruff]\n"},
            {"dependency": "aiogram"},
            Outcome.MISSING,
            "it has no [project] table",
        ),
        Refusal(
            "there is no such file",
            {"setup.cfg": ""},
            {"dependency": "aiogram"},
            Outcome.MISSING,
            "there is no file pyproject.toml",
        ),
    )  # fmt: skip

    in_: str = "pyproject.toml"
    dependency: str
    group: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            dependencies.requirement_of(self.dependency)
        except DataError as error:
            raise Malformed(
                "dependency", error.message, "write it as pip does: aiogram>=3.31,<4"
            ) from None

    def describe(self) -> str:
        return f"require {self.dependency}" + (f" in the group {self.group}" if self.group else "")

    def edit(self, data: bytes | None) -> bytes:
        return dependencies.ensure(data or b"", self.dependency, self.group, path=self.in_)
