"""ensure: yaml"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.operation import Example, Refusal
from skills_engine.codemods.value_operation import ValueOperation
from skills_engine.data.yaml_document import YamlDocument
from skills_engine.types import Outcome

__all__ = ["Yaml"]


@dataclass(frozen=True, kw_only=True)
class Yaml(ValueOperation):
    """The YAML file `in` has `value` at `path`, or `element` in the list there.

    A path is a list of keys, or text with dots between them; `name=web` stands for the element of a
    list whose `name` is web. A key that is missing is made, last in its mapping. Another value is
    replaced only if it is `was`, or with `replace: true`.
    """

    ensure = "yaml"
    document = YamlDocument
    VALID = (
        Example(
            "a key that is missing goes last, comments stay",
            {"mkdocs.yml": "theme:\n    name: material  # ours\n    # palette: x\n\nnav: []\n"},
            {"in": "mkdocs.yml", "path": "theme.features.search", "value": ["suggest"]},
            {
                "mkdocs.yml": "theme:\n    name: material  # ours\n    # palette: x\n    features:\n        search:\n            - suggest\n\nnav: []\n"
            },
        ),
        Example(
            "an element of a list that an entry of another list holds",
            {"ci.yml": "jobs:\n- name: test\n  env: [A, 'b c']  # all\n- name: lint\n"},
            {"in": "ci.yml", "path": ["jobs", "name=test", "env"], "element": "no"},
            {"ci.yml": "jobs:\n- name: test\n  env: [A, 'b c', 'no']  # all\n- name: lint\n"},
        ),
        Example(
            "texts in quotes keep them, and a list on one line its line",
            {"ci.yml": 'python: ["3.9", "pypy3"]\n'},
            {
                "in": "ci.yml",
                "path": "python",
                "value": ["3.9", "3.10-dev", "pypy3"],
                "was": ["3.9", "pypy3"],
            },
            {"ci.yml": 'python: ["3.9", "3.10-dev", "pypy3"]\n'},
        ),
        Example(
            "another value is replaced if it is the expected one",
            {"a.yaml": "x:\n  retries: 3  # why\n"},
            {"in": "a.yaml", "path": "x.retries", "value": 5, "was": 3},
            {"a.yaml": "x:\n  retries: 5  # why\n"},
        ),
        Example(
            "the same value in another notation is there already",
            {"a.yaml": "x: {b: 'one', a: 0x10}\n"},
            {"in": "a.yaml", "path": "x", "value": {"a": 16, "b": "one"}},
            {"a.yaml": "x: {b: 'one', a: 0x10}\n"},
        ),
    )
    INVALID = (
        Refusal(
            "another value is there",
            {"a.yaml": "x:\n  retries: 4\n"},
            {"in": "a.yaml", "path": "x.retries", "value": 5, "was": 3},
            Outcome.DRIFTED,
            "x.retries is 4, not 5",
        ),
        Refusal(
            "the list has no such element",
            {"a.yaml": "jobs:\n- name: test\n"},
            {"in": "a.yaml", "path": "jobs.name=lint.env", "value": 1},
            Outcome.MISSING,
            "jobs has no elements name=lint",
        ),
        Refusal(
            "the value is written elsewhere",
            {"a.yaml": "a: &base {x: 1}\nb: *base\n"},
            {"in": "a.yaml", "path": "b.y", "value": 1},
            Outcome.DRIFTED,
            "b comes from *base in line 2",
        ),
    )  # fmt: skip
