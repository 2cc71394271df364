"""What changes something, against recorded machines that behave and that lie once: one value of one answer is another,
or the whole answer is. In memory, without HTTP; time passes only where somebody waits.

As a script: python tests/redfish/fuzzing_writes.py --minutes 20 [--seed N] [MACHINE ...]
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzzing import INSTEAD, _nodes, _replaced, _shown
from stub_bmc import RECORDED

from bpa.adapters.errors import AdapterError
from bpa.adapters.redfish import BmcAccess, eventlog, pmem
from bpa.adapters.redfish.bios import settings
from bpa.adapters.redfish.bios.looking import look_after_restart, look_at_bios
from bpa.adapters.redfish.boot import override as boot
from bpa.adapters.redfish.boot.http import boot_from_url
from bpa.adapters.redfish.login.accounts import change_password, find_account
from bpa.adapters.redfish.media import inserting as media
from bpa.adapters.redfish.media.ways import Medium
from bpa.adapters.redfish.power.switching import switch
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.transport.response import Headers, Response
from bpa.adapters.redfish.waiting import Waiting
from bpa.adapters.redfish.writing import Writer
from bpa.core.bios import BiosWant, plan_bios
from bpa.core.pmem_goal import Goal, plan_goal
from bpa.core.secret import Secret
from bpa.core.verdict import Stuck
from bpa.documents.profile.bios import intent_rules
from bpa.lab.recorded import Machine
from bpa.lab.recorded.exchange import Reply, Request
from bpa.lab.recorded.tree import Tree, open_tree

PMEM = RECORDED / "hpe-ilo5-optane-pmem-fixtures"
REQUESTS = 4000
IMAGE = "http://192.0.2.10/installer.iso"
ANSWERS: Mapping[str, Callable[[Reply], Reply]] = {
    # Whole answers that BMCs have given in the place of what they should say.
    "nothing": lambda reply: Reply(200, None), "null": lambda reply: Reply(200, b"null"), "list": lambda reply: Reply(200, []),
    "page": lambda reply: Reply(200, b"<html>busy</html>"), "cut off": lambda reply: Reply(reply.status, b'{"Members": ['),
    "202": lambda reply: Reply(202, {}), "202 nowhere": lambda reply: Reply(202, {}, {"Location": "//evil.example/x"}),
    "202 in circles": lambda reply: Reply(202, {}, {"Location": "/redfish/v1/"}), "204": lambda reply: Reply(204),
    "301": lambda reply: Reply(301, None, {"Location": "/redfish/v1/nowhere"}), "304": lambda reply: Reply(304),
    "400": lambda reply: Reply(400, {"error": {"@Message.ExtendedInfo": [{"MessageId": 7, "Message": ["x"]}, None]}}),
    "401": lambda reply: Reply(401), "403": lambda reply: Reply(403, {"error": None}), "404": lambda reply: Reply(404),
    "405": lambda reply: Reply(405), "409": lambda reply: Reply(409), "412": lambda reply: Reply(412),
    "428": lambda reply: Reply(428), "500": lambda reply: Reply(500, b"\x00\xff"), "501": lambda reply: Reply(501),
    "503": lambda reply: Reply(503, None, {"Retry-After": "5"}),
    "503 for ever": lambda reply: Reply(503, None, {"Retry-After": "1e99"}),
    "503 never": lambda reply: Reply(503, None, {"Retry-After": "-1"}), "999": lambda reply: Reply(999),
    "no headers": lambda reply: Reply(reply.status, reply.body), "broken": lambda reply: Reply(0, None, cut=-1),
    "odd headers": lambda reply: Reply(reply.status, reply.body, {"ETag": "\x7f", "Location": "http://[", "X-Auth-Token": ""}),
}


class Halted(AssertionError):
    """It does not come to an end."""


@dataclass
class Lie:
    """The answer to the `at`-th request that is not what the machine says; value: one value of it, else all of it."""

    at: int
    kind: str
    chance: random.Random = field(repr=False)
    value: bool = True
    told: str = ""

    def __call__(self, number: int, request: Request, reply: Reply) -> Reply:
        if number != self.at:
            return reply
        self.told = f"{request.method} {request.path}"
        if not self.value:
            return ANSWERS[self.kind](reply)
        if not isinstance(reply.body, dict):
            return reply
        where = self.chance.choice(list(_nodes(reply.body))[1:] or [()])
        self.told += f" {list(where)}"
        body = _replaced(reply.body, where, INSTEAD[self.kind]) if where else INSTEAD["empty object"]
        return Reply(reply.status, body, reply.headers)


@dataclass
class Bmc:
    """A machine and the way to it. now: seconds of a clock that only waiting moves."""

    machine: Machine
    lie: Callable[[int, Request, Reply], Reply] = lambda number, request, reply: reply
    asked: list[Request] = field(default_factory=list)
    now: float = 0.0
    error: AdapterError | None = None

    def fetch(self, method: str, path: str, body: bytes | None, headers: dict[str, str], silence: float) -> Response:
        """In place of Wire._ask."""
        request = Request(method, path, _Lower(headers), body or b"")
        self.asked.append(request)
        if len(self.asked) > REQUESTS:
            raise Halted(f"{REQUESTS} requests")
        reply = self.lie(len(self.asked), request, self.machine.answer(request))
        if reply.cut is not None:
            raise http.client.RemoteDisconnected
        raw = reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else json.dumps(reply.body).encode()
        return Response(reply.status, Headers(reply.headers.items()), raw, method, path)

    def sleep(self, seconds: float) -> None:
        if seconds > 86400:
            raise Halted(f"sleeps for {seconds} s")
        self.now += max(seconds, 0.001)
        self.machine.advance(max(seconds, 0.001))

    def wait(self, seconds: float = 600.0) -> Waiting:
        return Waiting(seconds, 2.0, lambda: self.now, self.sleep)

    def target(self) -> Target:
        target = Target(BmcAccess("https://192.0.2.1", "admin", Secret("right"), parallel=1))
        target.link.sleep = self.sleep
        target.link._wire._ask = self.fetch  # type: ignore[method-assign]
        return target

    def writer(self, target: Target, dry_run: bool = False) -> Writer:
        return Writer(target, dry_run, self.wait(60.0))

    @property
    def changed(self) -> list[Request]:
        """Requests that change something, logging in and out aside."""
        return [one for one in self.asked if one.method != "GET" and "/sessions" not in one.path.lower()]


class _Lower(dict[str, str]):
    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({key.lower(): value for key, value in headers.items()})

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.lower(), default)

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return super().__contains__(str(key).lower())


def _power(goal: Any) -> Callable[[Bmc, Target, bool], object]:
    return lambda bmc, target, dry: switch(bmc.writer(target, dry), goal, bmc.wait(), grace=30.0)


def _override(bmc: Bmc, target: Target, dry: bool) -> object:
    return boot.send_boot_override(bmc.writer(target, dry), "Pxe"), boot.disable_boot_override(bmc.writer(target, dry))


def _order(bmc: Bmc, target: Target, dry: bool) -> object:
    now = boot.read_boot(target)
    return boot.set_boot_order(bmc.writer(target, dry), [now.order[-1]]) if now.order else None


def _url(bmc: Bmc, target: Target, dry: bool) -> object:
    return boot_from_url(bmc.writer(target, dry), IMAGE)


def _bios(bmc: Bmc, target: Target, dry: bool) -> object:
    seen = look_at_bios(target)
    plan = plan_bios(BiosWant({"virtualization": True, "sriov": True, "hyperthreading": False}, {}, intent_rules()), seen.machine)
    if isinstance(plan, Stuck):
        assert _shown(plan.reason.replace("\n", " ")) and _shown(plan.advice.replace("\n", " ")), "a reason that cannot be shown"
    wanted = {} if isinstance(plan, Stuck) else {one.attribute: one.value for one in plan.settings}
    wanted = wanted or dict(list(seen.machine.now.items())[:1])
    if not wanted:
        return plan
    staged = settings.stage_bios(bmc.writer(target, dry), seen.bios.paths, wanted)
    if dry:
        return staged
    switch(bmc.writer(target), "restart", bmc.wait(), grace=0.0)
    return look_after_restart(target, wanted, bmc.wait(60.0))


def _media(bmc: Bmc, target: Target, dry: bool) -> object:
    medium = Medium(IMAGE)
    if dry:
        return media.plan_insert(target, medium), media.plan_eject(target)
    with media.inserted(target, medium, waiting=bmc.wait(30.0)) as found:
        return found


def _pmem(bmc: Bmc, target: Target, dry: bool) -> object:
    goal = Goal()
    seen = pmem.read_persistent(target)
    plan = plan_goal(goal, seen, erase=[domain.id for domain in seen.domains], discard_pending=True)
    if isinstance(plan, Stuck) or dry:
        return plan
    pmem.perform(target, plan, bmc.wait(30.0))
    switch(bmc.writer(target), "restart", bmc.wait(), grace=0.0)
    return pmem.wait_applied(target, goal, bmc.wait(60.0))


def _log(bmc: Bmc, target: Target, dry: bool) -> object:
    logged = eventlog.read_log(target, 10)
    for log in logged.logs[:1]:
        if log.clear:
            eventlog.clear_log(bmc.writer(target, dry), log)
    return logged


def _password(bmc: Bmc, target: Target, dry: bool) -> object:
    account = find_account(target, target.reader(), "admin")
    if not dry:
        change_password(target, account, Secret("aB3$efgh1Jkl"), Secret("right"))
    return account


VERBS: Mapping[str, Callable[[Bmc, Target, bool], object]] = {
    "on": _power("on"), "off": _power("off"), "restart": _power("restart"), "cycle": _power("cycle"), "override": _override,
    "order": _order, "url": _url, "bios": _bios, "media": _media, "pmem": _pmem, "log": _log, "password": _password,
}
TREES = tuple(sorted(p.name for p in RECORDED.glob("*") if (p / "redfish").is_dir()))


def machine(of: Tree, verb: str = "") -> Machine:
    """Fresh: as it was recorded, and it takes its time. With persistent memory where that is what is asked for."""
    return Machine(of, frozen=True, post_seconds=30.0, os_seconds=5.0, shutdown_seconds=5.0,
                   pmem=PMEM if verb == "pmem" and "hpe" in of.folder.name else None)


def perform(verb: str, of: Tree, lie: Lie | None = None, dry: bool = False) -> Bmc:
    """Do it once; what the adapter errors say must be fit to be shown. Raises whatever else comes out."""
    bmc = Bmc(machine(of, verb))
    if lie is not None:
        bmc.lie = lie
    try:
        with bmc.target() as target:
            VERBS[verb](bmc, target, dry)
    except AdapterError as error:
        assert str(error).strip(), f"{type(error).__name__} says nothing"
        assert _shown(str(error)) and _shown(error.advice), f"an error that cannot be shown: {str(error)[:200]!r}"
        bmc.error = error
    if dry:
        assert bmc.changed == [], "a dry run changes something"
    return bmc


def check(verb: str, of: Tree, lie: Lie) -> None:
    """Raises AssertionError where something else than an adapter error comes of the lie."""
    try:
        perform(verb, of, lie, dry=lie.chance.random() < 0.1)
    except Exception as error:
        what = f"{of.folder.name}: {verb}: {lie.told} = {lie.kind}"
        raise AssertionError(f"{what} leads to {error!r}") from error


def lies(verb: str, of: Tree, seed: int) -> Iterator[Lie]:
    """An endless random sample, the same for the same seed."""
    chance = random.Random(f"{of.folder.name} {verb} {seed}")
    requests = len(perform(verb, of).asked)
    while True:
        value = chance.random() < 0.6
        yield Lie(chance.randint(1, requests), chance.choice(list(INSTEAD if value else ANSWERS)), chance, value)


def trees(names: tuple[str, ...] = TREES) -> list[Tree]:
    return [open_tree(Path(RECORDED / name)) for name in names]


def main() -> int:
    """Fuzz for so many minutes, machines and verbs in turn; 1 = something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("machines", nargs="*", default=TREES)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    endless = [(verb, of, lies(verb, of, given.seed)) for of in trees(tuple(given.machines)) for verb in VERBS]
    until, tried, found = time.monotonic() + 60 * given.minutes, 0, set()
    while time.monotonic() < until:
        for verb, of, lie in endless:
            tried += 1
            try:
                check(verb, of, next(lie))
            except AssertionError as error:
                found.add(str(error))
                print(error, flush=True)
    print(f"{tried} lies to {len(endless)} pairs of machine and verb, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
