"""The `manifest` block of SKILL.md: read and checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from skills_engine.package import compose, strict_yaml
from skills_engine.package.frontmatter import NAME
from skills_engine.package.model import EnvironmentKey, Manifest
from skills_engine.package.paths import RESERVED, reserved, unsafe
from skills_engine.package.problems import did_you_mean
from skills_engine.package.strict_yaml import Items, Keys, Node

if TYPE_CHECKING:
    from skills_engine.package.model import Requires
    from skills_engine.package.problems import Problems

__all__ = ["KEYS", "ManifestReader"]

KEYS = {
    "version": "the version of this skill, as in PEP 440",
    "core": "the versions of the fork's core that it works on",
    "depends": "skills that must be there before it: a list of names, or names with version ranges",
    "conflicts": "skills that it cannot live with: a list of names, or names with version ranges",
    "dependencies": "Python packages, as in PEP 508",
    "environment": "settings, each with a comment for the owner, or with `comment` and `default`",
    "services": "compose services by name",
    "volumes": "named compose volumes of those services",
    "adds": "the files that the package adds; they lie below `add/`",
    "tests": "test files that must pass once it is applied",
    "tests-network": "true where those tests need the network, which tests do not have otherwise",
}
"""Every key and what it is for, in the order in which authors write them."""

_ENVIRONMENT_KEY = re.compile(r"[A-Z][A-Z0-9_]*")


class ManifestReader:
    """Reads one block; `lines` then has the line of each key."""

    def __init__(self, skill: str, problems: Problems) -> None:
        self.skill = skill
        self.problems = problems
        self.lines: dict[str, int] = {}
        self.added: dict[str, int] = {}
        """The line of each path in `adds`."""

    def read(self, source: str, line: int) -> Manifest | None:
        """The manifest in a block whose opening fence is at `line`; None if it is no mapping."""
        node = strict_yaml.parse(source, line + 1, self.problems)
        if node is None:
            return None
        if not isinstance(node, Keys):
            self._wrong(node, "the manifest", "`version:` and the other keys, a line each")
            return None
        strict_yaml.check_seen(node, self.problems)
        self.lines = {key: at for key, (at, _) in node.items.items()}
        for key, (at, _) in node.items.items():
            if key not in KEYS:
                self.problems.add(at, f"the manifest has no key {key!r}", did_you_mean(key, KEYS))
        for key, right in (("version", "version: 1.0.0"), ("core", 'core: ">=0.1,<1"')):
            if key not in node.items:
                self.problems.add(line, f"the manifest has no {key!r}", right)
        values = {key: item for key, (_, item) in node.items.items()}
        depends = self._skills(values.get("depends"), "depends")
        conflicts = self._skills(values.get("conflicts"), "conflicts")
        for name in {name for name, _ in depends} & {name for name, _ in conflicts}:
            self.problems.add(
                self.lines["conflicts"], f"{name} stands in both depends and conflicts", "keep one"
            )
        services = self._services(values.get("services"))
        self.added = self._paths(values.get("adds"), "adds")
        return Manifest(
            version=self._version(values.get("version")),
            core=self._specifier(values["core"], "core") if "core" in values else "",
            depends=depends,
            conflicts=conflicts,
            dependencies=self._dependencies(values.get("dependencies")),
            environment=self._environment(values.get("environment")),
            services=services,
            volumes=self._volumes(values.get("volumes"), services),
            adds=tuple(self.added),
            tests=tuple(self._paths(values.get("tests"), "tests")),
            tests_network=self._flag(values.get("tests-network"), "tests-network"),
        )

    def _wrong(self, node: Node, what: str, right: str) -> None:
        self.problems.add(node.line, f"{what} is {strict_yaml.kind(node)}", right)

    def _text(self, node: Node, what: str, right: str) -> str:
        found = strict_yaml.text(node)
        if found is None:
            self._wrong(node, what, right)
        elif not found.strip():
            self.problems.add(node.line, f"{what} is empty", right)
        return (found or "").strip()

    def _list(self, node: Node | None, key: str, right: str) -> list[tuple[str, Node]]:
        """The texts in a list, each once, with their nodes."""
        if node is None:
            return []
        if not isinstance(node, Items):
            self._wrong(node, repr(key), f"write a list, {right}")
            return []
        found: dict[str, Node] = {}
        for item in node.items:
            word = self._text(item, f"an item of {key!r}", right)
            if word in found:
                self.problems.add(item.line, f"{word} stands twice in {key!r}", "once")
            elif word:
                found[word] = item
        return list(found.items())

    def _map(self, node: Node | None, what: str, right: str) -> dict[str, tuple[int, Node]]:
        if node is None:
            return {}
        if not isinstance(node, Keys):
            self._wrong(node, what, right)
            return {}
        return node.items

    def _flag(self, node: Node | None, key: str) -> bool:
        found = strict_yaml.value(node, self.problems) if node is not None else False
        if node is not None and not isinstance(found, bool):
            self._wrong(node, repr(key), f"{key}: true, or leave it out")
        return found is True

    def _version(self, node: Node | None) -> str:
        if node is None:
            return ""
        version = self._text(node, "'version'", "version: 1.0.0")
        try:
            Version(version or "0")
        except InvalidVersion:
            self.problems.add(
                node.line,
                f"{version!r} is no version",
                "numbers with dots, as in 1.0.0 or 1.1.0rc1",
            )
        return version

    def _specifier(self, node: Node, what: str) -> str:
        right = '">=1.0,<2"'
        specifier = self._text(node, repr(what), right)
        try:
            SpecifierSet(specifier)
        except InvalidSpecifier:
            self.problems.add(node.line, f"{specifier!r} is no range of versions", right)
        return specifier

    def _skills(self, node: Node | None, key: str) -> Requires:
        found: dict[str, tuple[int, str]] = {}
        if isinstance(node, Keys):
            for name, (line, item) in node.items.items():
                found[name] = (line, self._specifier(item, f"{key}: {name}"))
        else:
            right = "names, or names with ranges: {add-telegram: '>=1,<2'}"
            found = {name: (item.line, "") for name, item in self._list(node, key, right)}
        for name, (line, _) in found.items():
            if not NAME.fullmatch(name):
                self.problems.add(
                    line,
                    f"{name!r} is no name of a skill",
                    "lowercase letters, digits, single hyphens",
                )
            elif name == self.skill:
                self.problems.add(line, f"{name} stands in its own {key!r}", "leave it out")
        return tuple(sorted((name, specifier) for name, (_, specifier) in found.items()))

    def _dependencies(self, node: Node | None) -> tuple[str, ...]:
        names: dict[str, str] = {}
        found = self._list(node, "dependencies", "each as in 'aiogram>=3.31,<4'")
        for word, item in found:
            try:
                requirement = Requirement(word)
            except InvalidRequirement as error:
                what = str(error).splitlines()[0]
                self.problems.add(
                    item.line, f"{word!r} is no requirement: {what}", "as in 'aiogram>=3.31,<4'"
                )
                continue
            name = canonicalize_name(requirement.name)
            if name in names and requirement.marker is None:
                self.problems.add(
                    item.line, f"{word!r} repeats {names[name]!r}", "one requirement for a package"
                )
            names[name] = word
        return tuple(word for word, _ in found)

    def _environment(self, node: Node | None) -> tuple[EnvironmentKey, ...]:
        right = "{TELEGRAM_BOT_TOKEN: the token that @BotFather gives}"
        found = []
        for key, (line, item) in self._map(node, "'environment'", right).items():
            if not _ENVIRONMENT_KEY.fullmatch(key):
                self.problems.add(
                    line,
                    f"{key!r} is no environment key",
                    "capital letters, digits and underscores",
                )
            default = ""
            comment: Node | None = item
            if isinstance(item, Keys):
                for other, (at, _) in item.items.items():
                    if other not in {"comment", "default"}:
                        right = did_you_mean(other, ("comment", "default"))
                        self.problems.add(at, f"{key} has no key {other!r}", right)
                comment = item.items["comment"][1] if "comment" in item.items else None
                default = (
                    self._default(key, item.items["default"][1]) if "default" in item.items else ""
                )
            if comment is None or strict_yaml.kind(comment) == "empty":
                self.problems.add(line, f"{key} has no comment", "say what the owner puts there")
                continue
            found.append(
                EnvironmentKey(
                    key, self._text(comment, f"the comment of {key}", "a sentence"), default
                )
            )
        return tuple(found)

    def _default(self, key: str, node: Node) -> str:
        found = node.text if isinstance(node, strict_yaml.Scalar) else None
        if found is None:
            self._wrong(node, f"the default of {key}", "text")
        elif "\n" in found:
            self.problems.add(node.line, f"the default of {key} has several lines", "one line")
        return found or ""

    def _services(self, node: Node | None) -> dict[str, dict[str, Any]]:
        found = {}
        for name, (line, item) in self._map(node, "'services'", "compose services by name").items():
            self._check_compose_name(name, line)
            if not isinstance(item, Keys) or not {"image", "build"} & item.items.keys():
                self.problems.add(
                    line,
                    f"the service {name} has no image",
                    "`image:` or `build:` and its other keys",
                )
                continue
            found[name] = strict_yaml.value(item, self.problems)
        return found

    def _volumes(
        self, node: Node | None, services: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        found = {}
        used = {name for spec in services.values() for name in compose.named_volumes(spec)}
        for name, (line, item) in self._map(node, "'volumes'", "compose volumes by name").items():
            self._check_compose_name(name, line)
            options = strict_yaml.value(item, self.problems)
            if options is not None and not isinstance(options, dict):
                self._wrong(item, f"the volume {name}", "nothing, or a mapping of its options")
                continue
            found[name] = options or {}
            if name not in used:
                self.problems.add(
                    line, f"no service of this manifest uses the volume {name}", "leave it out"
                )
        for name in sorted(used - found.keys()):
            line = self.lines["services"]
            self.problems.add(
                line,
                f"'volumes' does not declare {name}, which a service uses",
                f"volumes: {{{name}: }}",
            )
        return found

    def _check_compose_name(self, name: str, line: int) -> None:
        if not compose.NAME.fullmatch(name):
            self.problems.add(
                line, f"{name!r} is no name in a compose file", "letters, digits, `_`, `.` and `-`"
            )

    def _paths(self, node: Node | None, key: str) -> dict[str, int]:
        found = {}
        for path, item in self._list(
            node, key, "paths in the repository, as in bot/channels/telegram.py"
        ):
            if (wrong := unsafe(path)) is not None:
                self.problems.add(item.line, wrong.message, wrong.right)
            elif path.startswith("-"):
                self.problems.add(
                    item.line, f"{path!r} looks like an option of a command", "another name"
                )
            elif reserved(path):
                self.problems.add(
                    item.line,
                    f"{path} is the engine's own",
                    f"a file outside {' and '.join(RESERVED)}",
                )
            found[path] = item.line
        return found
