"""A cluster: cases tried by the workers of a Dask scheduler, on whatever machines these are.

Dask gives each case to a worker, and to another one if that is lost; what is tried, and where it
stands, is a shipment, which each worker unpacks once.
"""

from __future__ import annotations

import re
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skills_engine.errors import Refused
from skills_engine.verbs.trials.shipment import Shipment, engine, pack, unpack
from skills_engine.verbs.trials.trial import Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.verbs.trials.spread import Bench
    from skills_engine.verbs.trials.trial import Case

__all__ = ["Cluster"]

_HERE = re.compile(r"tcp://(127\.0\.0\.1|localhost|\[::1\]):\d+")
_SECONDS = 15
"""How long a scheduler may take to answer, and to have a worker."""


@dataclass(frozen=True)
class Cluster:
    """The scheduler at an address: `tls://HOST:PORT`, with the certificates of Dask's own
    configuration. Without TLS only on this machine: what is tried is code, and whoever can speak
    to a scheduler can have code run.
    """

    bench: Bench
    address: str

    def run(self, cases: Sequence[Case]) -> Iterator[Trial]:
        """The trials as they come. Raises Refused where there is no scheduler or no worker, or one
        of another engine.
        """
        with self._client() as client:
            shipment = pack(self.bench, {case.core for case in cases})
            (given,) = client.scatter([shipment], broadcast=True, hash=False)
            waiting = {
                client.submit(_tried, given, case, pure=False, retries=0): case for case in cases
            }
            try:
                yield from _as_they_come(waiting, client.loop)
            finally:
                client.cancel(list(waiting))

    def _client(self) -> Any:
        if not self.address.startswith("tls://") and not _HERE.fullmatch(self.address):
            raise Refused(
                f"{self.address} is not encrypted, and what is tried is code",
                hint="name the scheduler as tls://HOST:PORT",
            )
        try:
            from distributed import Client  # noqa: PLC0415  (an extra, and a second to import)
        except ImportError:
            raise Refused(
                "other machines need Dask, which is not installed",
                hint="pip install 'graftbot[dask]'",
            ) from None
        try:
            client = Client(self.address, timeout=_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise Refused(
                f"no scheduler answers at {self.address}: {error}",
                hint="start one (dask scheduler); certificates stand in Dask's configuration",
            ) from None
        try:
            self._check_workers(client)
        except BaseException:
            client.close()
            raise
        return client

    def _check_workers(self, client: Any) -> None:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError:
            raise Refused(
                f"the scheduler at {self.address} has no worker",
                hint=f"start some: dask worker --nthreads 1 {self.address}",
            ) from None
        try:
            engines = client.run(engine)
        except ImportError as error:
            raise Refused(
                f"a worker of {self.address} lacks the engine: {error}",
                hint="install graftbot there, as it is here",
            ) from None
        others = sorted(worker for worker, has in engines.items() if has != engine())
        if others:
            raise Refused(
                f"another engine or another Python is at {', '.join(others)}",
                hint="install graftbot there, as it is here",
            )


def _as_they_come(waiting: dict[Any, Case], loop: Any) -> Iterator[Trial]:
    from distributed import KilledWorker, as_completed  # noqa: PLC0415

    for done in as_completed(list(waiting), loop=loop):
        case = waiting[done]
        try:
            yield replace(done.result(), core=case.core)
        except KilledWorker:
            yield Trial.of(case, Verdict.WRONG, "each worker that tried it was lost")
        done.release()


_BENCHES: dict[str, tuple[Bench, tempfile.TemporaryDirectory[str]]] = {}
"""What a worker has unpacked last, by the shipment's name."""
_ONE = threading.Lock()
"""A bench tries one case at a time, whatever number of threads a worker has."""


def _tried(shipment: Shipment, case: Case) -> Trial:
    """On a worker: what became of a case."""
    if shipment.engine != engine():
        raise Refused("a worker has another engine", hint="install graftbot there, as it is here")
    with _ONE:
        if shipment.name not in _BENCHES:
            for name in list(_BENCHES):
                bench, folder = _BENCHES.pop(name)
                bench.close()
                folder.cleanup()
            folder = tempfile.TemporaryDirectory(prefix="graftbot-", ignore_cleanup_errors=True)
            _BENCHES[shipment.name] = unpack(shipment, Path(folder.name)), folder
        return _BENCHES[shipment.name][0].run(replace(case, core=case.core or shipment.base))
