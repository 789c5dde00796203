"""Files that a tool reads and obeys, wherever they lie: no change of one is "only the bot".

git applies `.gitattributes` to everything below it, pytest runs `conftest.py`, Python runs the
lines of a `.pth` file and imports a `.so` or a `.pyc` before the source beside it; make, direnv,
editors and assistants have theirs. The rule errs on the side of asking: every name that begins with
a dot is taken for a tool's.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

__all__ = ["NAMES", "is_tool_file"]

NAMES = (
    # Python and its packaging
    "*.pth",
    "*.egg-link",
    "*.pyc",
    "*.pyo",
    "*.so",
    "*.pyd",
    "*.dll",
    "*.dylib",
    "*.pyz",
    "*.whl",
    "*.dist-info",
    "*.egg-info",
    "__pycache__",
    "sitecustomize.py",
    "usercustomize.py",
    "pyvenv.cfg",
    "pyproject.toml",
    "skills.toml",
    "setup.py",
    "setup.cfg",
    "manifest.in",
    "pipfile",
    "pipfile.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "uv.toml",
    "pylock*.toml",
    "hatch.toml",
    "*requirements*.txt",
    "*requirements*.in",
    "constraints*.txt",
    "environment.yml",
    "environment.yaml",
    # tests and checks
    "conftest.py",
    "pytest.ini",
    "pytest.toml",
    "tox.ini",
    "tox.toml",
    "noxfile.py",
    "fabfile.py",
    "conanfile.py",
    "hatch_build.py",
    "mkdocs.y*ml",
    "ansible.cfg",
    "mypy.ini",
    "ruff.toml",
    "pylintrc",
    "pyrightconfig.json",
    # builds and services
    "makefile",
    "gnumakefile",
    "bsdmakefile",
    "*.mk",
    "cmakelists.txt",
    "justfile",
    "taskfile.y*ml",
    "tasks.py",
    "dodo.py",
    "sconstruct",
    "procfile",
    "vagrantfile",
    "tiltfile",
    "earthfile",
    "brewfile",
    "meson.build",
    "build",
    "build.bazel",
    "workspace",
    "workspace.bazel",
    "*.bzl",
    "*.nix",
    "mise.toml",
    "pixi.toml",
    "lefthook.y*ml",
    "devcontainer.json",
    "*.code-workspace",
    "*.desktop",
    "jenkinsfile",
    "dockerfile*",
    "*.dockerfile",
    "containerfile*",
    "docker-compose*.y*ml",
    "compose*.y*ml",
    "docker-bake.*",
    "azure-pipelines*.y*ml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    "cloudbuild.yaml",
    "workflows",
    "*.service",
    "*.timer",
    "*.socket",
    "*.plist",
    "crontab",
    # other languages' packages, which have scripts that run when they are installed
    "package.json",
    "package-lock.json",
    "binding.gyp",
    "gulpfile.*",
    "deno.json*",
    "pom.xml",
    "build.gradle*",
    "settings.gradle*",
    "cargo.toml",
    "build.rs",
    "gemfile",
    "rakefile",
    "composer.json",
    # what assistants read as their instructions
    "claude.md",
    "claude.local.md",
    "agents.md",
    "agents.override.md",
    "gemini.md",
    "copilot-instructions.md",
)
"""Patterns for one part of a path, in lower case. Parts that begin with a dot need none."""

_EXAMPLE = ".env.example"


def is_tool_file(path: str) -> bool:
    """Whether some part of a path is a file or folder that a tool obeys, on any file system."""
    parts = path.casefold().split("/")
    if parts == [_EXAMPLE]:
        return False
    return any(
        part.startswith(".") or any(fnmatchcase(part, name) for name in NAMES) for part in parts
    )
