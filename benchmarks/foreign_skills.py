"""Repositories of other projects, each of another make, with two skills for each."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["REPOSITORIES", "Repository", "Skill"]


@dataclass(frozen=True)
class Skill:
    """A package, and what must stand in the fork as long as it is installed."""

    name: str
    manifest: str
    codemod: str
    adds: dict[str, str] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    """A text by the glob of files of which one has it."""

    def files(self) -> dict[str, str]:
        adds = f"\nadds: [{', '.join(self.adds)}]" if self.adds else ""
        page = (
            f"---\nname: {self.name}\ndescription: {self.name}, to be tried on a long history. "
            f"Use when measuring.\n---\n# {self.name}\n\nWhat it needs.\n\n```yaml manifest\n"
            f'version: 1.0.0\ncore: ">=0"{adds}\n{self.manifest}\n```\n\n## What it does\n\n'
            f"The others stay.\n\n```yaml codemod\n{self.codemod}\n```\n"
        )
        added = {f"add/{path}": text for path, text in self.adds.items()}
        return {"SKILL.md": page, **added}


@dataclass(frozen=True)
class Repository:
    """`since` is the day from which upstream is followed, where not three years."""

    name: str
    make: str
    url: str
    table: str
    skills: tuple[Skill, Skill]
    since: str = ""


_CURL = '''"""A request as a command for curl."""

from __future__ import annotations

import shlex

from ._models import Request

__all__ = ["as_curl"]


def as_curl(request: Request) -> str:
    """The command that sends the same request."""
    words = ["curl", "-X", request.method, str(request.url)]
    for key, value in request.headers.items():
        words += ["-H", f"{key}: {value}"]
    return shlex.join(words)
'''
_PORT = '''"""The number of a port, as a type of parameters."""

from __future__ import annotations

from .types import IntRange


class Port(IntRange):
    """From 1 to 65535."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(1, 65535)


PORT = Port()
'''
_TABLE = 'test = "python -m pytest -q -p no:cacheprovider -c /dev/null --rootdir ."'

REPOSITORIES = (
    Repository(
        "httpx",
        "flat layout, hatch, a dynamic version",
        "https://github.com/encode/httpx",
        f'home = ["httpx/**"]\ntest-requires = ["."]\n{_TABLE}',
        (
            Skill(
                "add-curl",
                "tests: [skilltests/test_curl.py]",
                "- ensure: import\n  in: httpx/__init__.py\n"
                "  import: from ._curl import as_curl\n"
                "- {ensure: element, of: 'httpx:__all__', element: '\"as_curl\"'}",
                {
                    "httpx/_curl.py": _CURL,
                    "skilltests/test_curl.py": "import httpx\n\n\ndef test_a_request() -> None:\n"
                    '    said = httpx.as_curl(httpx.Request("GET", "https://example.org/"))\n'
                    '    assert said.startswith("curl -X GET https://example.org/")\n'
                    '    assert "as_curl" in httpx.__all__\n',
                },
                {"httpx/__init__.py": "import as_curl"},
            ),
            Skill(
                "more-patience",
                "tests: [skilltests/test_patience.py]",
                "- ensure: value\n  of: httpx._config:DEFAULT_TIMEOUT_CONFIG\n"
                "  value: Timeout(timeout=30.0)\n  was: Timeout(timeout=5.0)\n"
                "- ensure: element\n  of: httpx._decoders:SUPPORTED_DECODERS\n"
                "  key: '\"none\"'\n  value: IdentityDecoder",
                {
                    "skilltests/test_patience.py": "import httpx\nfrom httpx._decoders import "
                    "SUPPORTED_DECODERS\n\n\ndef test_it_waits() -> None:\n"
                    "    assert httpx.Client().timeout.read == 30.0\n"
                    '    assert "none" in SUPPORTED_DECODERS\n'
                },
                {"httpx/_config.py": "Timeout(timeout=30.0)"},
            ),
        ),
    ),
    Repository(
        "click",
        "src layout, setup.cfg, then flit and uv",
        "https://github.com/pallets/click",
        f'home = ["src/click/**"]\ntest-requires = ["."]\n{_TABLE}',
        (
            Skill(
                "add-port",
                "tests: [skilltests/test_port.py]",
                "- ensure: import\n  in: src/click/__init__.py\n"
                "  import: from .port import PORT as PORT",
                {
                    "src/click/port.py": _PORT,
                    "skilltests/test_port.py": "import click\n\n\ndef test_a_port() -> None:\n"
                    '    assert click.PORT.convert("80", None, None) == 80\n',
                },
                {"src/click/__init__.py": "from .port import PORT as PORT"},
            ),
            Skill(
                "add-orange",
                "tests: [skilltests/test_orange.py]",
                "- ensure: element\n  of: click.termui:_ansi_colors\n"
                "  key: '\"orange\"'\n  value: 33",
                {
                    "skilltests/test_orange.py": "import click\n\n\ndef test_orange() -> None:\n"
                    '    assert click.style("x", fg="orange").startswith("\\033[33m")\n'
                },
                {"src/click/termui.py": '"orange": 33'},
            ),
        ),
    ),
    Repository(
        "mcp",
        "a workspace of uv",
        "https://github.com/modelcontextprotocol/python-sdk",
        f'home = ["src/**"]\ntest-requires = ["."]\n{_TABLE}',
        (
            Skill(
                "keep-certificates",
                "tests: [skilltests/test_certificates.py]",
                "- ensure: replace\n  in: src/mcp/client/stdio.py\n"
                "  pattern: '[\"HOME\", $...REST]'\n"
                '  with: \'["SSL_CERT_FILE", "HOME", $...REST]\'',
                {
                    "skilltests/test_certificates.py": "from mcp.client.stdio import "
                    "DEFAULT_INHERITED_ENV_VARS\n\n\ndef test_they_are_kept() -> None:\n"
                    '    assert "SSL_CERT_FILE" in DEFAULT_INHERITED_ENV_VARS\n'
                },
                {"src/mcp/client/stdio*": '"SSL_CERT_FILE"'},
            ),
            Skill(
                "add-audit",
                'dependencies: ["python-json-logger>=2"]',
                "- ensure: import\n  in: src/mcp/__init__.py\n"
                "  import: from .audit import audited\n"
                "- {ensure: element, of: 'mcp:__all__', element: '\"audited\"'}",
                {
                    "src/mcp/audit.py": '"""A log of what was asked for."""\n\n\n'
                    "def audited(name: str) -> str:\n"
                    '    """A line of it."""\n    return f"audit: {name}"\n'
                },
                {"src/mcp/__init__.py": '"audited"', "pyproject.toml": "python-json-logger>=2"},
            ),
        ),
        since="2024-12-20",
    ),
    Repository(
        "rich",
        "Poetry, flat layout",
        "https://github.com/Textualize/rich",
        f'home = ["rich/**"]\ntest-requires = ["."]\n{_TABLE}',
        (
            Skill(
                "add-note-style",
                "tests: [skilltests/test_note_style.py]",
                "- ensure: element\n  of: rich.default_styles:DEFAULT_STYLES\n"
                "  key: '\"owner.note\"'\n  value: Style(bold=True)\n"
                "- ensure: element\n  of: rich.box:LEGACY_WINDOWS_SUBSTITUTIONS\n"
                "  key: DOUBLE\n  value: SQUARE",
                {
                    "skilltests/test_note_style.py": "from rich.console import Console\n\n\n"
                    "def test_it_is_bold() -> None:\n"
                    '    assert Console().get_style("owner.note").bold\n'
                },
                {"rich/default_styles.py": '"owner.note": Style(bold=True)'},
            ),
            Skill(
                "add-colorama",
                'dependencies: ["colorama>=0.4.6"]\ntests: [skilltests/test_wide_tabs.py]',
                "- ensure: default\n  of: rich.console:Console.__init__\n"
                "  parameter: tab_size\n  default: '4'\n  was: '8'",
                {
                    "skilltests/test_wide_tabs.py": "from rich.console import Console\n\n\n"
                    "def test_tabs() -> None:\n    assert Console().tab_size == 4\n"
                },
                {"pyproject.toml": 'colorama = ">=0.4.6"', "rich/console.py": "tab_size: int = 4"},
            ),
        ),
    ),
    Repository(
        "pyupgrade",
        "setup.cfg, skills without tests",
        "https://github.com/asottile/pyupgrade",
        'home = ["pyupgrade/**"]',
        (
            Skill(
                "add-report",
                'dependencies: ["rich>=13"]',
                "- ensure: statement\n  of: pyupgrade._main:main\n"
                "  after: \"parser.add_argument('filenames', nargs='*')\"\n"
                "  code: parser.add_argument('--report', action='store_true')",
                {"pyupgrade/_report.py": '"""What was changed."""\n'},
                {"pyupgrade/_main.py": "'--report'", "setup.cfg": "    rich>=13\n"},
            ),
            Skill(
                "keep-callable",
                "environment: {PYUPGRADE_KEEP: names that stay}",
                "- ensure: element\n  of: pyupgrade._plugins.imports:REMOVALS\n"
                "  key: (3, 99)\n  value: \"{'six.moves': {'reduce'}}\"",
                {},
                {
                    "pyupgrade/_plugins/imports.py": "(3, 99): {'six.moves': {'reduce'}}",
                    ".env.example": "PYUPGRADE_KEEP=",
                },
            ),
        ),
    ),
)
