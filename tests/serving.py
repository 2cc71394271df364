"""Recorded machines served by a process of their own, so that its work and memory are not taken for the client's.

python -m tests.serving TREE COUNT SECONDS: prints their addresses as one line of JSON, then answers each line of its
standard input with one line: `log` (method and path of what the first machine was asked since the last time),
`sessions` (open ones, all machines), `rss` (peak, in MiB). Ends with its input.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Served:
    """The addresses, and the process that can be asked about what happened there."""

    addresses: tuple[str, ...]
    process: subprocess.Popen[str]

    def ask(self, what: str) -> Any:
        assert self.process.stdin and self.process.stdout
        print(what, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def asked(self) -> list[str]:
        """Method and path of each request to the first machine since the last call."""
        return [str(one) for one in self.ask("log")]


@contextmanager
def served(tree: Path, count: int = 1, seconds: float = 0.0, tls: tuple[Path, Path] | None = None) -> Iterator[Served]:
    """So many machines of one tree; each GET takes so many seconds longer. tls: certificate and key."""
    command = [sys.executable, "-m", "tests.serving", str(tree), str(count), str(seconds), *map(str, tls or ())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          cwd=Path(__file__).parents[1]) as process:
        assert process.stdin and process.stdout
        try:
            yield Served(tuple(json.loads(process.stdout.readline())), process)
        finally:
            process.stdin.close()


def main(tree: str, count: str, seconds: str, *tls: str) -> None:
    import ssl

    from bpa.lab.recorded import serve

    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
    with ExitStack() as stack:
        faults = [f"slow={seconds}"] if float(seconds) else []
        machines = [stack.enter_context(serve(tree, tls=context, faults=faults)) for _ in range(int(count))]
        print(json.dumps([bmc.address for bmc in machines]), flush=True)
        for line in sys.stdin:
            print(json.dumps(_answer(line.strip(), machines)), flush=True)


def _answer(what: str, machines: list[Any]) -> Any:
    if what == "log":
        asked = [f"{one.method} {one.path}" for one in machines[0].log]
        machines[0].log.clear()
        return asked
    if what == "sessions":
        return sum(len(bmc.machine.sessions) for bmc in machines)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
