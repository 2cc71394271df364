"""A recorded machine: who may read what, ETags, queries, compression, layouts of trees."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from recorded_tree import ACCOUNTS, ROOT, SYSTEM, Client, ids, resources, write_tree

from bpa.lab.errors import LabError
from bpa.lab.recorded import Machine
from bpa.lab.recorded.tree import Tree, open_tree


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(open_tree(write_tree(tmp_path)), "admin", "right", frozen=True)


@pytest.fixture
def client(machine: Machine) -> Client:
    return Client(machine)


@pytest.mark.parametrize("path", ["/redfish", ROOT, f"{ROOT}/", f"{ROOT}/odata", f"{ROOT}/$metadata"])
def test_what_the_specification_opens_is_read_without_a_login(machine: Machine, path: str) -> None:
    assert Client(machine, auth=None).get(path).status == 200


@pytest.mark.parametrize("auth", [None, ("admin", "wrong"), ("nobody", "right")])
def test_everything_else_wants_a_login(machine: Machine, auth: tuple[str, str] | None) -> None:
    reply = Client(machine, auth).get(SYSTEM)
    assert reply.status == 401
    assert "Basic" in reply.headers["WWW-Authenticate"]
    assert machine.gate.refused == 1


def test_a_session_is_opened_used_listed_and_closed(machine: Machine) -> None:
    client = Client(machine, auth=None)
    made = client.post(f"{ROOT}/SessionService/Sessions", {"UserName": "admin", "Password": "right"})
    token, where = made.headers["X-Auth-Token"], made.body["@odata.id"]
    assert made.status == 201 and made.headers["Location"].endswith(where)
    assert "right" not in json.dumps(made.body)
    assert client.get(SYSTEM, X_Auth_Token=token).status == 200
    assert machine.sessions == {where: "admin"}
    assert client.delete(where, X_Auth_Token=token).status == 204
    assert client.get(SYSTEM, X_Auth_Token=token).status == 401
    assert machine.sessions == {}


def test_a_silent_session_ends_after_its_timeout(machine: Machine) -> None:
    client = Client(machine, auth=None)
    made = client.post(f"{ROOT}/SessionService/Sessions/Members", {"UserName": "admin", "Password": "right"})
    token = made.headers["X-Auth-Token"]
    machine.advance(machine.gate.timeout - 1)
    assert client.get(SYSTEM, X_Auth_Token=token).status == 200
    machine.advance(machine.gate.timeout + 1)
    assert client.get(SYSTEM, X_Auth_Token=token).status == 401


def test_no_more_sessions_than_the_machine_has(machine: Machine) -> None:
    client = Client(machine, auth=None)
    machine.gate.limit = 2
    login = {"UserName": "admin", "Password": "right"}
    answers = [client.post(f"{ROOT}/SessionService/Sessions", login) for _ in range(3)]
    assert [a.status for a in answers] == [201, 201, 503]
    assert ids(answers[2]) == ["SessionLimitExceeded"]


def test_a_recorded_etag_is_honoured_and_changes_with_the_resource(client: Client) -> None:
    etag = client.get(SYSTEM).headers["ETag"]
    assert client.get(SYSTEM, If_None_Match=etag).status == 304
    assert client.patch(SYSTEM, {"AssetTag": "a"}, If_Match='"other"').status == 412
    assert client.patch(SYSTEM, {"AssetTag": "a"}, If_Match=etag).status < 300
    assert client.get(SYSTEM).headers["ETag"] != etag
    assert client.get(SYSTEM, If_None_Match=etag).status == 200
    assert client.patch(SYSTEM, {"AssetTag": "b"}, If_Match="*").status < 300


@pytest.mark.parametrize("spelled", [SYSTEM, f"{SYSTEM}/", f"{SYSTEM}?x=1", "/redfish/v1/Systems/%31"])
def test_one_resource_has_many_spellings(client: Client, spelled: str) -> None:
    assert client.json(spelled)["Id"] == "1"


def test_what_is_not_there_is_404_with_a_redfish_error(client: Client) -> None:
    assert ids(client.get(f"{ROOT}/Systems/2")) == ["ResourceMissingAtURI"]


def test_methods_that_a_resource_does_not_take_are_405_with_those_that_it_does(client: Client) -> None:
    for method in ("POST", "PUT", "DELETE"):
        reply = client.ask(method, f"{ROOT}/Systems", {})
        assert reply.status == 405 and reply.headers["Allow"] == "GET, HEAD"
    assert client.ask("FROBNICATE", ROOT).status == 501
    assert client.get(f"{SYSTEM}/Actions/ComputerSystem.Reset").headers["Allow"] == "POST"


def test_expand_puts_members_in_place(client: Client) -> None:
    whole = client.json(f"{ROOT}/Systems?$expand=.")
    assert whole["Members"][0]["Model"] == "M1"
    assert client.json(f"{ROOT}/Systems?$expand=.($levels=2)")["Members"][0]["Bios"]["Attributes"]["NumCores"] == 8
    assert client.get(f"{ROOT}/Systems?$expand=.($levels=3)").status == 400


def test_queries_that_are_not_announced_are_501(tmp_path: Path) -> None:
    docs = resources()
    del docs[ROOT]["ProtocolFeaturesSupported"]
    client = Client(Machine(open_tree(write_tree(tmp_path, docs)), "admin", "right"))
    for query in ("$expand=.", "$select=Id", "$filter=Id eq '1'", "$what=1"):
        assert client.get(f"{ROOT}/Systems?{query}").status == 501
    assert client.get(f"{ROOT}/Systems?unknown=1").status == 200


@pytest.mark.parametrize(("query", "expected"), [
    ("$filter=Severity eq 'Critical'", ["2"]),
    ("$filter=Severity ne 'OK' or Id eq '1'", ["1", "2"]),
    ("$filter=not (Severity eq 'OK') or (Id eq '1' and not Id eq '2')", ["1", "2"]),
    ("$filter=Id ge '2'", ["2", "3"]),
    ("$skip=1", ["2", "3"]),
    ("$top=1", ["1"]),
    ("$skip=1&$top=1", ["2"]),
])
def test_members_are_filtered_and_paged(client: Client, query: str, expected: list[str]) -> None:
    found = client.json(f"{SYSTEM}/LogServices/SEL/Entries?{query}")
    assert [m["@odata.id"][-1] for m in found["Members"]] == expected


@pytest.mark.parametrize("text", ["", "Id", "Id eq", "Id is '1'", "(Id eq '1'", "Id eq '1') or", "'1' eq Id", "Id eq '1"])
def test_what_is_no_filter_is_400(client: Client, text: str) -> None:
    assert client.get(f"{SYSTEM}/LogServices/SEL/Entries?$filter={text}").status == 400


def test_select_and_only(client: Client) -> None:
    assert set(client.json(f"{SYSTEM}?$select=Id,Model")) == {"@odata.id", "@odata.type", "Id", "Model"}
    assert client.json(f"{ROOT}/Systems?only")["Id"] == "1"
    assert client.get(f"{SYSTEM}?only").status == 400


def test_large_answers_are_compressed_for_those_who_ask(tmp_path: Path) -> None:
    docs = resources()
    docs[SYSTEM]["Description"] = "long " * 5000
    client = Client(Machine(open_tree(write_tree(tmp_path, docs)), "admin", "right"))
    packed = client.get(SYSTEM, Accept_Encoding="gzip, deflate")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.body))["Id"] == "1"
    assert len(packed.body) < len(client.get(SYSTEM).body) / 10
    client.patch(SYSTEM, {"AssetTag": "new"})
    assert json.loads(gzip.decompress(client.get(SYSTEM, Accept_Encoding="gzip").body))["AssetTag"] == "new"


def test_json_is_refused_to_those_who_take_only_xml(client: Client) -> None:
    assert client.get(SYSTEM, Accept="application/xml").status == 406
    assert client.get(SYSTEM, Accept="application/json;odata=x, text/html").status == 200


@pytest.mark.parametrize("prefix", ["", "redfish", "redfish/v1"])
def test_a_tree_may_begin_at_any_depth(tmp_path: Path, prefix: str) -> None:
    write_tree(tmp_path)
    assert Client(Machine(Tree(tmp_path / prefix), "admin", "right")).json(SYSTEM)["Id"] == "1"


def test_a_directory_without_a_tree_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no recorded Redfish tree"):
        open_tree(tmp_path)


def test_recorded_headers_are_served_again_but_not_those_of_the_moment(tmp_path: Path) -> None:
    write_tree(tmp_path)
    told = {"GET": {"ETag": 'W/"recorded"', "Allow": "GET, PATCH", "X-Frame-Options": "DENY", "X-Auth-Token": "old",
                    "Content-Length": "3", "Set-Cookie": "a=b"}}
    (tmp_path / SYSTEM.strip("/") / "headers.json").write_text(json.dumps(told))
    headers = Client(Machine(open_tree(tmp_path), "admin", "right")).get(SYSTEM).headers
    assert headers["ETag"] == 'W/"recorded"' and headers["Allow"] == "GET, PATCH" and headers["X-Frame-Options"] == "DENY"
    assert not {"X-Auth-Token", "Content-Length", "Set-Cookie"} & set(headers)


def test_what_the_recorder_met_at_announced_uris_is_met_again(tmp_path: Path) -> None:
    write_tree(tmp_path)
    gone = {f"{SYSTEM}/Processors": 500, f"{SYSTEM}/Memory": 0, f"{SYSTEM}/Storage": 200, f"{SYSTEM}/Other": 403}
    (tmp_path / "recording.json").write_text(json.dumps({"answers": gone}))
    client = Client(Machine(open_tree(tmp_path), "admin", "right"))
    assert client.get(f"{SYSTEM}/Processors").status == 500
    assert client.get(f"{SYSTEM}/Memory").cut == -1
    assert client.get(f"{SYSTEM}/Storage").headers["Content-Type"] == "text/html"
    assert client.get(f"{SYSTEM}/Other").status == 403


def test_machines_of_one_tree_share_it_and_nothing_else(tmp_path: Path) -> None:
    tree = open_tree(write_tree(tmp_path))
    first, second = Client(Machine(tree, "admin", "right")), Client(Machine(tree, "admin", "right"))
    first.patch(SYSTEM, {"AssetTag": "first"})
    assert first.json(SYSTEM)["AssetTag"] == "first"
    assert second.json(SYSTEM)["AssetTag"] == ""
    assert json.loads((tmp_path / SYSTEM.strip("/") / "index.json").read_text())["AssetTag"] == ""


def test_uris_are_found_without_regard_to_case_where_the_vendor_does_so(tmp_path: Path) -> None:
    tree = open_tree(write_tree(tmp_path))
    from bpa.lab.recorded.personalities import named

    assert Client(Machine(tree, "admin", "right")).get(SYSTEM.lower()).status == 404
    assert Client(Machine(tree, "admin", "right", personality=named("hpe"))).get(SYSTEM.lower()).status == 200


def test_the_clock_of_the_manager_runs(machine: Machine, client: Client) -> None:
    before = client.json(f"{ROOT}/Managers/BMC")["DateTime"]
    machine.advance(3600)
    assert client.json(f"{ROOT}/Managers/BMC")["DateTime"] > before


def test_roles_say_what_an_account_may_do(client: Client) -> None:
    client.post(ACCOUNTS, {"UserName": "reader", "Password": "readerreader", "RoleId": "ReadOnly"})
    reader = Client(client.machine, ("reader", "readerreader"))
    assert reader.get(SYSTEM).status == 200
    assert reader.patch(SYSTEM, {"AssetTag": "x"}).status == 403
    assert reader.patch(f"{ACCOUNTS}/reader", {"Password": "changed-by-me"}).status < 300
    assert Client(client.machine, ("reader", "changed-by-me")).get(SYSTEM).status == 200


def test_resources_without_what_is_required_are_mended_on_demand(tmp_path: Path) -> None:
    docs = resources()
    del docs[SYSTEM]["Id"], docs[SYSTEM]["Name"]
    tree = open_tree(write_tree(tmp_path, docs))
    assert "Id" not in Client(Machine(tree, "admin", "right")).json(SYSTEM)
    mended = Client(Machine(tree, "admin", "right", mend=True))
    assert mended.json(SYSTEM)["Id"] == mended.json(SYSTEM)["Name"] == "1"
    mended.patch(SYSTEM, {"AssetTag": "new"})
    assert mended.json(SYSTEM)["Id"] == "1"
