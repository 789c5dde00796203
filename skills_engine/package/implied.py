"""A manifest's wishes as operations: nothing in the graft treats them apart from those of a codemod
block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skills_engine.package.compose import named_volumes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.package.model import Package

__all__ = ["implied"]


def implied(
    package: Package, *, dependencies: str = "", environment: str = ""
) -> tuple[Mapping[str, Any], ...]:
    """Entries, as of a codemod block, for dependencies, environment keys and services, in this
    order; the files are those that the first two go into, if not the operations' own.

    The files of `adds` are not among them; the graft puts them there.
    """
    manifest = package.manifest
    if manifest is None:
        return ()
    return (
        *(
            {"ensure": "dependency", "dependency": wanted, **_in(dependencies)}
            for wanted in manifest.dependencies
        ),
        *(
            {
                "ensure": "environment",
                "key": setting.key,
                "comment": setting.comment,
                "value": setting.default,
                **_in(environment),
            }
            for setting in manifest.environment
        ),
        *(
            {
                "ensure": "service",
                "service": name,
                "spec": dict(spec),
                "volumes": {
                    used: manifest.volumes[used] or None for used in sorted(named_volumes(spec))
                },
            }
            for name, spec in manifest.services.items()
        ),
    )


def _in(path: str) -> dict[str, str]:
    return {"in": path} if path else {}
