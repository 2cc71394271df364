"""The validators' runs: each tool once per machine, as many at a time as sleep anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import tools
from machines import MACHINES, as_recorded, behaving, behaving_with_tls
from tools import Result

SUITES: dict[str, Callable[[str], Result]] = {
    "recorded": lambda name: _on(as_recorded, name, tools.interop),
    "interop": lambda name: _on(behaving, name, tools.interop),
    "protocol": lambda name: _on(behaving_with_tls, name, tools.protocol),
    **{case: lambda name, case=case: _on(behaving, name, lambda address: tools.use_case(address, case))
       for case in tools.USE_CASES},
}


def _on(serve: Callable[..., object], name: str, judge: Callable[[str], Result]) -> Result:
    with serve(MACHINES[name]) as address:  # type: ignore[attr-defined]
        return judge(address)


class Runs:
    """Use cases sleep for most of their time, so all that were asked for run at once."""

    def __init__(self, wanted: Iterable[tuple[str, str]]) -> None:
        self._pool = ThreadPoolExecutor(8)
        self._runs: dict[tuple[str, str], Future[Result]] = {}
        for suite, machine in sorted(wanted, key=lambda one: one[0] not in tools.USE_CASES):
            self._submit(suite, machine)

    def of(self, suite: str, machine: str) -> Result:
        return self._submit(suite, machine).result()

    def _submit(self, suite: str, machine: str) -> Future[Result]:
        if (suite, machine) not in self._runs:
            self._runs[suite, machine] = self._pool.submit(SUITES[suite], machine)
        return self._runs[suite, machine]

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
