"""Reading: each resource once in a look, ETags from look to look, $expand where it holds, a moment's patience."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.reading import Reader
from bpa.adapters.redfish.transport.link import Link
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/Systems/1"
MEMORY = f"{SYSTEM}/Memory"
EXPAND = {"ExpandQuery": {"NoLinks": True, "ExpandAll": True, "Levels": True, "MaxLevels": 1}}


def access(stub: StubBmc, password: str = "right", **more: Any) -> BmcAccess:
    return BmcAccess(stub.address, "admin", Secret(password), **more)


@pytest.fixture
def stub() -> Iterator[StubBmc]:
    resources = small_machine()
    resources[f"{ROOT}/systems/1"]["Memory"] = {"@odata.id": MEMORY}
    links = [{"@odata.id": f"{MEMORY}/{n}"} for n in range(6)]
    resources[MEMORY.lower()] = {"Members": links, "Members@odata.count": 6}
    for n in range(6):
        resources[f"{MEMORY.lower()}/{n}"] = {
            "@odata.id": f"{MEMORY}/{n}", "@odata.type": "#Memory.v1_7_0.Memory", "Id": str(n), "CapacityMiB": 16384,
            "Filler": "x" * 2000}
    with serve(StubBmc(resources)) as made:
        yield made


@pytest.fixture
def link(stub: StubBmc) -> Iterator[Link]:
    made = Link(access(stub))
    made.sleep = lambda seconds: None
    yield made
    made.close()


def read(link: Link) -> list[tuple[str, Any]]:
    reader = Reader(link)
    found = list(reader.collection(reader.resource(SYSTEM).body, "Memory"))
    assert reader.problems == []
    return found


# -- once in a look

def test_in_one_look_each_resource_is_fetched_once_however_it_is_spelled(stub: StubBmc, link: Link) -> None:
    with link.look():
        for path in (SYSTEM, SYSTEM.upper().replace("/REDFISH", "/redfish"), f"{SYSTEM}/", SYSTEM.lower()):
            assert link.get(path).body["UUID"] == "A1B2"
        read(link)
        read(link)
    assert len(stub.asked("GET")) == len({r.key for r in stub.log if r.method == "GET"})
    asked = len(stub.log)
    link.get(SYSTEM)
    link.get(SYSTEM)
    assert len(stub.log) == asked + 2, "outside of a look every question is a fresh one"


def test_a_look_in_a_look_is_part_of_it_and_the_next_look_asks_anew(stub: StubBmc, link: Link) -> None:
    with link.look():
        link.get(SYSTEM)
        with link.look():
            link.get(SYSTEM)
        link.get(SYSTEM)
    assert [r.key for r in stub.log].count(SYSTEM.lower()) == 1
    with link.look():
        link.get(SYSTEM)
    assert [r.key for r in stub.log].count(SYSTEM.lower()) == 2


def test_a_write_in_a_look_makes_it_forget_what_it_saw(stub: StubBmc, link: Link) -> None:
    with link.look():
        link.get(SYSTEM)
        link.patch(SYSTEM, {"AssetTag": "x"})
        link.get(SYSTEM)
    assert [r.key for r in stub.log if r.method == "GET"].count(SYSTEM.lower()) == 2


def test_an_error_is_asked_for_once_in_a_look_too(stub: StubBmc, link: Link) -> None:
    stub.fault = lambda _, request: error(500, "oops") if request.key == SYSTEM.lower() else None
    with link.look():
        for _ in range(3):
            with pytest.raises(Busy, match="oops"):
                link.get(SYSTEM)
    assert [r.key for r in stub.log].count(SYSTEM.lower()) == 1


def test_a_look_ends_in_time_and_says_what_it_did_not_ask(stub: StubBmc, link: Link) -> None:
    with link.look(seconds=-1.0):
        with pytest.raises(Busy, match="the time for this look is over"):
            link.root()
    assert stub.log == []
    assert link.get(SYSTEM).body["UUID"] == "A1B2"


def test_members_that_cannot_be_read_are_told_in_order_and_leave_the_others(stub: StubBmc, link: Link) -> None:
    stub.fault = lambda _, request: error(404, f"no {request.path}") if request.path[-2:] in ("/1", "/4") and (
        "Memory" in request.path) else None
    reader = Reader(link)
    found = list(reader.collection(reader.resource(SYSTEM).body, "Memory"))
    assert [path[-1] for path, _ in found] == ["0", "2", "3", "5"]
    assert [p[-1] for p in reader.problems] == ["1", "4"]


def test_a_bmc_that_goes_away_among_the_members_stops_the_reading(stub: StubBmc, link: Link) -> None:
    stub.fault = lambda _, request: error(503, "going down", Retry_After="60") if request.path.endswith("Memory/2") else None
    reader = Reader(link)
    members = reader.collection(reader.resource(SYSTEM).body, "Memory")
    assert [next(members)[0][-1], next(members)[0][-1]] == ["0", "1"]
    with pytest.raises(Busy, match="going down"):
        next(members)


# -- 401 in the middle

def test_when_the_session_ends_under_several_reads_one_new_login_serves_them_all(stub: StubBmc, link: Link) -> None:
    read(link)
    stub.tokens.clear()
    assert len(read(link)) == 6
    assert stub.logins == 2


def test_one_resource_that_is_above_our_rights_costs_one_login_and_not_one_each_time(stub: StubBmc, link: Link) -> None:
    stub.fault = lambda _, request: error(401, "not for you") if request.key == f"{MEMORY.lower()}/3" else None
    for _ in range(3):
        reader = Reader(link)
        assert len(list(reader.collection(reader.resource(SYSTEM).body, "Memory"))) == 5
        assert "not for you" in reader.problem
    assert stub.logins == 2


def test_a_wrong_password_goes_out_once_even_where_several_read_at_once() -> None:
    resources = small_machine()
    del resources[ROOT]["Links"], resources[ROOT]["SessionService"]
    with serve(StubBmc(resources, sessions=False)) as stub:
        link = Link(access(stub, "wrong", parallel=4))
        for future in link.each([f"{ROOT}/x/{n}" for n in range(12)]):
            with pytest.raises(Refused, match="credentials"):
                future.result()
        link.close()
        assert stub.refused == 1


# -- Retry-After

@pytest.mark.parametrize(("told", "waits"), [("0", [0.0]), ("5", [5.0]), ("6", []), ("", [])])
def test_a_read_waits_a_moment_once_where_the_bmc_asks_for_no_more(
    stub: StubBmc, link: Link, told: str, waits: list[float]
) -> None:
    slept: list[float] = []
    link.sleep = slept.append
    stub.fault = lambda _, request: error(503, "busy", Retry_After=told) if request.key == SYSTEM.lower() else None
    with pytest.raises(Busy):
        link.get(SYSTEM)
    assert slept == waits
    assert [r.key for r in stub.log].count(SYSTEM.lower()) == 1 + len(waits)


def test_a_write_does_not_wait(stub: StubBmc, link: Link) -> None:
    stub.fault = lambda _, request: error(503, "busy", Retry_After="1") if request.method == "PATCH" else None
    with pytest.raises(Busy):
        link.patch(SYSTEM, {})
    assert len(stub.asked("PATCH")) == 1


# -- ETags

class Tagged:
    """Gives every resource an ETag of its text, and answers 304 where it is told to honour If-None-Match."""

    def __init__(self, honours: bool = True, constant: bool = False) -> None:
        self.honours, self.constant, self.sent = honours, constant, 0

    def __call__(self, stub: StubBmc, request: Request) -> Reply | None:
        if request.method != "GET" or not isinstance(stub.resources, dict) or not stub._knows(request):
            return None
        body = stub.resources.get(request.key)
        if body is None:
            return None
        etag = 'W/"1"' if self.constant else f'"{hash(str(body)) & 0xFFFFFF:x}"'
        if self.honours and request.headers.get("If-None-Match") == etag:
            return Reply(304, b"", {"ETag": etag})
        self.sent += 1
        return Reply(200, body, {"ETag": etag})


def test_what_has_not_changed_is_not_sent_again_in_the_next_look(stub: StubBmc, link: Link) -> None:
    stub.fault = tagged = Tagged()
    with link.look():
        first = read(link)
    before = tagged.sent
    with link.look():
        assert read(link) == first
    assert tagged.sent - before == 2, "the System, which is always read whole, and the small collection"
    assert isinstance(stub.resources, dict)
    stub.resources[f"{MEMORY.lower()}/3"]["CapacityMiB"] = 1
    with link.look():
        assert [body["CapacityMiB"] for _, body in read(link)] == [16384, 16384, 16384, 1, 16384, 16384]


def test_a_bmc_that_ignores_the_question_is_not_asked_it_for_long(stub: StubBmc, link: Link) -> None:
    stub.fault = Tagged(honours=False)
    for _ in range(4):
        read(link)
    asked = [r for r in stub.log if "If-None-Match" in r.headers]
    assert 0 < len(asked) <= 8


def test_a_bmc_whose_etag_stays_while_the_body_changes_is_not_believed(stub: StubBmc, link: Link) -> None:
    stub.fault = tagged = Tagged(honours=False, constant=True)
    read(link)
    assert isinstance(stub.resources, dict)
    stub.resources[f"{MEMORY.lower()}/0"]["CapacityMiB"] = 1
    read(link)
    tagged.honours = True
    stub.resources[f"{MEMORY.lower()}/1"]["CapacityMiB"] = 2
    assert [body["CapacityMiB"] for _, body in read(link)][:2] == [1, 2]


# -- $expand

class Expands:
    """Answers ?$expand in the way it is told to; everything else is the stub's own affair."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __call__(self, stub: StubBmc, request: Request) -> Reply | None:
        assert isinstance(stub.resources, dict)
        if "$expand" not in request.path or not stub._knows(request):
            return None
        assert request.path.endswith("?$expand=.($levels=1)")
        bodies = [dict(stub.resources[f"{MEMORY.lower()}/{n}"]) for n in range(6)]
        match self.how:
            case "refused":
                return error(400, "no such query", "Base.1.0.QueryNotSupported")
            case "references":
                return None
            case "short":
                bodies = bodies[:4]
            case "thin":
                bodies = [{k: v for k, v in body.items() if k != "CapacityMiB"} for body in bodies]
            case "elsewhere":
                bodies[2]["@odata.id"] = "http://192.0.2.9/redfish/v1/steal"
            case "paged":
                return Reply(200, {"Members": bodies[:3], "Members@odata.count": 6,
                                   "Members@odata.nextLink": f"{MEMORY}?$skip=3"})
        return Reply(200, {"Members": bodies, "Members@odata.count": 6})


def announce(stub: StubBmc, features: Any = EXPAND) -> None:
    assert isinstance(stub.resources, dict)
    stub.resources[ROOT]["ProtocolFeaturesSupported"] = features


def test_a_collection_comes_in_one_answer_where_expand_is_announced_and_holds(stub: StubBmc, link: Link) -> None:
    announce(stub)
    stub.fault = Expands("well")
    with link.look():
        found = read(link)
        assert [body["Id"] for _, body in found] == list("012345")
        assert link.get(f"{MEMORY}/5").body["Id"] == "5"
    assert len([r for r in stub.log if r.key.startswith(f"{MEMORY.lower()}/")]) == 1, "one is compared, the first time"
    stub.log.clear()
    with link.look():
        assert read(link) == found
    assert len([r for r in stub.log if MEMORY.lower() in r.key]) == 1


@pytest.mark.parametrize("how", ["refused", "references", "short", "thin"])
def test_a_bmc_that_does_not_keep_its_word_on_expand_is_read_member_by_member(
    stub: StubBmc, link: Link, how: str
) -> None:
    announce(stub)
    stub.fault = Expands(how)
    for _ in range(2):
        with link.look():
            assert [body["CapacityMiB"] for _, body in read(link)] == [16384] * 6
    assert len([r for r in stub.log if "$expand" in r.path]) == 1, "asked once, remembered"


def test_expanded_members_that_lead_elsewhere_are_not_believed(stub: StubBmc, link: Link) -> None:
    announce(stub)
    stub.fault = Expands("elsewhere")
    with link.look():
        reader = Reader(link)
        found = list(reader.collection(reader.resource(SYSTEM).body, "Memory"))
    assert len(found) == 5
    assert "elsewhere" in reader.problem


def test_the_pages_after_an_expanded_one_are_read_as_they_come(stub: StubBmc, link: Link) -> None:
    announce(stub)
    assert isinstance(stub.resources, dict)
    expands = Expands("paged")

    def pages(bmc: StubBmc, request: Request) -> Reply | None:
        if "$skip=3" in request.path:
            return Reply(200, {"Members": [{"@odata.id": f"{MEMORY}/{n}"} for n in (3, 4, 5)]})
        return expands(bmc, request)

    stub.fault = pages
    with link.look():
        assert [body["Id"] for _, body in read(link)] == list("012345")


@pytest.mark.parametrize("features", [None, {}, [], {"ExpandQuery": None}, {"ExpandQuery": {"Levels": True}},
                                      {"ExpandQuery": {"NoLinks": "yes", "ExpandAll": False}}])
def test_expand_is_not_tried_where_it_is_not_announced(stub: StubBmc, link: Link, features: Any) -> None:
    announce(stub, features)
    with link.look():
        assert len(read(link)) == 6
    assert not any("$expand" in r.path for r in stub.log)


def test_a_quirk_can_forbid_expand(stub: StubBmc, link: Link) -> None:
    announce(stub)
    link.expanding.wanted = False
    with link.look():
        assert len(read(link)) == 6
    assert not any("$expand" in r.path for r in stub.log)


def test_a_look_of_the_engine_uses_all_of_this(stub: StubBmc) -> None:
    with Bmc(access(stub)) as machine:
        machine.look()
    gets = [r.key for r in stub.log if r.method == "GET"]
    assert len(gets) == len(set(gets))
