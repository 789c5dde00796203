"""ensure: service"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from skills_engine.codemods.data_operation import DataOperation
from skills_engine.codemods.operation import Example, Malformed, Refusal
from skills_engine.data import services
from skills_engine.types import Outcome

__all__ = ["Service"]


@dataclass(frozen=True, kw_only=True)
class Service(DataOperation):
    """The compose file runs `service`, described by `spec`; its named `volumes` and `networks` are
    declared.

    Without `in` it is the first of compose.yaml, compose.yml, docker-compose.yml and
    docker-compose.yaml that there is, or a new compose.yaml. A service of that name with another
    description is refused.
    """

    ensure = "service"
    creates = True
    VALID = (
        Example(
            "a service goes below the others",
            {
                "docker-compose.yml": "services:\n    bot:  # mine\n        image: 'bot'\n        # ports:\n        #     - '80:80'\n\nnetworks: {}\n"
            },
            {
                "service": "cache",
                "spec": {"image": "redis:7", "ports": ["6379:6379"], "restart": "no"},
            },
            {
                "docker-compose.yml": "services:\n    bot:  # mine\n        image: 'bot'\n        # ports:\n        #     - '80:80'\n    cache:\n        image: redis:7\n        ports:\n            - '6379:6379'\n        restart: 'no'\n\nnetworks: {}\n"
            },
        ),
        Example(
            "the file is made, a named volume with it",
            {},
            {
                "service": "db",
                "spec": {"image": "postgres:18", "volumes": ["data:/var/lib/postgresql"]},
                "volumes": {"data": None},
            },
            {
                "compose.yaml": "services:\n  db:\n    image: postgres:18\n    volumes:\n      - data:/var/lib/postgresql\n\nvolumes:\n  data:\n"
            },
            verbatim=True,
        ),
        Example(
            "the order of its keys does not count",
            {"compose.yaml": 'services:\n  db: {image: "postgres:18", restart: always}\n'},
            {"service": "db", "spec": {"restart": "always", "image": "postgres:18"}},
            {"compose.yaml": 'services:\n  db: {image: "postgres:18", restart: always}\n'},
        ),
    )
    INVALID = (
        Refusal(
            "there is another one of that name",
            {"compose.yaml": "services:\n  db:\n    image: mysql\n"},
            {"service": "db", "spec": {"image": "postgres:18"}},
            Outcome.DRIFTED,
            "there is another services.db already",
        ),
    )  # fmt: skip

    in_: str = ""
    service: str
    spec: dict[str, Any]
    volumes: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.in_:
            super().__post_init__()
        if not self.spec:
            raise Malformed(
                "spec",
                f"the service {self.service} is not described",
                "`spec:` and at least an `image:`",
            )

    def touches(self) -> tuple[str, ...]:
        return (self.in_,) if self.in_ else services.NAMES

    def describe(self) -> str:
        return f"run the service {self.service}"

    def edit(self, data: bytes | None) -> bytes:
        return services.ensure_service(data, self.service, self.spec, self.volumes, self.networks)
