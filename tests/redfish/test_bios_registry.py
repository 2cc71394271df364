"""The attribute registry is found under every name and place seen, read once, kept, and distrusted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stub_bmc import RECORDED, ROOT, RecordedTree, Reply, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Busy, Refused
from bpa.adapters.redfish import Bmc, BmcAccess
from bpa.adapters.redfish.bios.looking import look_at_bios
from bpa.adapters.redfish.bios.registry import likeness
from bpa.adapters.redfish.bios.registry_files import RegistryFiles
from bpa.adapters.redfish.bios.registry_parsing import parse_registry
from bpa.adapters.redfish.target import Target
from bpa.core.bios import Registry
from bpa.core.secret import Secret

FILE = f"{ROOT}/Registries/X"
DATA = "/registries/bios.json"


def registry(*names: str, id: str = "BiosAttributeRegistry.1_0_0", **more: Any) -> dict[str, Any]:
    attributes = [{"AttributeName": n, "Type": "Enumeration", "DisplayName": "Virtualization Technology", "Value": [
        {"ValueName": "Enabled", "ValueDisplayName": "Enabled"}, {"ValueName": "Disabled", "ValueDisplayName": "Disabled"}]}
        for n in names or ("ProcVirtualization",)]
    return {"Id": id, "RegistryEntries": {"Attributes": attributes}, **more}


def with_registry(announced: object, listed: dict[str, Any], **files: Any) -> dict[str, Any]:
    """A small machine whose Bios announces a registry. listed: id -> MessageRegistryFile; files: path -> body."""
    machine = small_machine()
    machine[ROOT] = {**machine[ROOT], "Registries": {"@odata.id": f"{ROOT}/Registries"}}
    if announced is not None:
        machine[f"{ROOT}/systems/1/bios"]["AttributeRegistry"] = announced
    machine[f"{ROOT}/registries"] = {"Members": [{"@odata.id": f"{ROOT}/Registries/{name}"} for name in listed]}
    for name, body in listed.items():
        machine[f"{ROOT}/registries/{name}".lower()] = body
    for path, body in files.items():
        machine[path] = body
    return machine


def at(uri: object, language: str = "en") -> dict[str, Any]:
    return {"Location": [{"Language": language, "Uri": uri}]}


def found(
    machine: dict[str, Any], files: RegistryFiles | None = None, **stub: Any
) -> tuple[Registry | None, tuple[str, ...], StubBmc]:
    with serve(StubBmc(machine, **stub)) as bmc, Target(BmcAccess(bmc.address, "admin", Secret("right"))) as target:
        seen = look_at_bios(target, files)
        return seen.machine.registry, seen.problems, bmc


@pytest.mark.parametrize("announced, listed", [
    ("BiosAttributeRegistry.v1_0_3", "BiosAttributeRegistry.v1_0_3"),
    ("BiosAttributeRegistry.v1_0_3", "BiosAttributeRegistry.v1_0_0"),                 # Dell R750
    ("BiosAttributeRegistry.v1_0_0", "BiosAttributeRegistry"),                        # Supermicro X13
    ("BiosAttributeRegistry113.1.1.3", "BiosAttributeRegistry113.en-US.1.1.3"),        # NVIDIA DGX H100
    ("BiosAttributeRegistry.1_0_0", "biosattributeregistry.v1_0_0"),
    ("", "BiosAttributeRegistryP89.v1_0_0"),                                          # nothing announced, one there
    (None, "BiosAttributeRegistryP89.v1_0_0"),
    (7, "BiosAttributeRegistryP89.v1_0_0"),
    ("../../Managers/1", "BiosAttributeRegistry"),
])
def test_the_registry_is_found_though_its_ids_disagree(announced, listed):
    machine = with_registry(announced, {"Base.1.0": at("/base"), listed: at(DATA), "Zebra": at("/zebra")}, **{DATA: registry()})
    got, problems, bmc = found(machine)
    assert got is not None and got.get("ProcVirtualization") and problems == ()
    assert not any("zebra" in path.lower() or path == "/base" for path in bmc.asked()), "it reads the one it needs"


def test_the_nearest_of_several_is_read_first():
    listed = {"BiosAttributeRegistryU32.v1_0_0": at("/u32"), "BiosAttributeRegistryU46.v1_2_0": at(DATA),
              "NetworkAttributesRegistry": at("/net")}
    got, _, bmc = found(with_registry("BiosAttributeRegistryU46.v1_2_60", listed, **{DATA: registry()}))
    assert got is not None and not {"/u32", "/net"} & set(bmc.asked())


@pytest.mark.parametrize("listed, wanted, due", [
    ("A.v1_0", "a.V1_0", 4), ("A.1.0.0", "A.v1_0_0", 3), ("A113.en-US.1.1.3", "A113.1.1.3", 3), ("A.v1_0_0", "A.v2_3_0", 2),
    ("A", "A.v1_0_0", 2), ("BiosAttributes", "X.1", 1), ("Base.1.0", "A.v1_0_0", 0), ("", "", 4), ("x", "", 0),
])
def test_names_are_compared_by_stem_version_and_language(listed, wanted, due):
    assert likeness(listed, wanted) == due


@pytest.mark.parametrize("location", [
    at(DATA), at({"extref": DATA}), at({"@odata.id": DATA}),
    {"Location": [{"Language": "ja", "Uri": "/ja.json"}, {"Uri": "/any.json"}, {"Language": "en-US", "Uri": DATA}]},
    {"Location": [{"Language": "en", "Uri": "/gone.json"}, {"Language": "de", "Uri": DATA}]},
    {"Location": [{"Language": "en", "ArchiveUri": "/x.gz"}, None, 7, {"Uri": None}, {"Language": "en", "Uri": DATA}]},
])
def test_where_it_lies_is_understood_and_english_is_preferred(location):
    machine = with_registry("R", {"R": location}, **{DATA: registry(), "/ja.json": registry("J"), "/any.json": registry("A")})
    got, _, _ = found(machine)
    assert got is not None and got.get("ProcVirtualization")


def test_it_may_be_served_where_its_file_is_due():
    got, _, _ = found(with_registry("R", {"R": registry()}))
    assert got is not None


def test_a_link_below_oem_is_followed_first():
    machine = with_registry("R", {"R": at("/other")}, **{"/other": registry("Other"), "/oem": registry()})
    machine[f"{ROOT}/systems/1/bios"]["Oem"] = {"Acme": {"Links": {"AttributeRegistry": {"@odata.id": "/oem"}}}}
    got, _, bmc = found(machine)
    assert got is not None and got.get("ProcVirtualization") and "/other" not in bmc.asked()


def test_a_location_on_another_host_is_never_asked():
    with serve(StubBmc({"/bios.json": registry()}, auth=False)) as elsewhere:
        got, problems, _ = found(with_registry("R", {"R": at(f"{elsewhere.address}/bios.json")}))
        assert got is None and elsewhere.log == []
        assert any("leads elsewhere" in problem for problem in problems)


def test_a_location_that_names_this_host_is_asked():
    machine = with_registry("R", {}, **{DATA: registry()})
    with serve(StubBmc(machine)) as bmc, Target(BmcAccess(bmc.address, "admin", Secret("right"))) as target:
        machine[f"{ROOT}/registries/r"] = at(f"{bmc.address}{DATA}")
        assert look_at_bios(target).machine.registry is not None


def test_a_registry_of_messages_is_not_taken_for_one_of_attributes():
    messages = {"Id": "BiosAttributeMessages", "Messages": {"X": {}}, "RegistryEntries": {"Attributes": []}}
    listed = {"R": at("/m"), "BiosAttributeRegistry": at(DATA)}
    got, _, _ = found(with_registry("R", listed, **{"/m": messages, DATA: registry()}))
    assert got is not None and got.get("ProcVirtualization")


@pytest.mark.parametrize("body", [
    None, [], "x", {}, {"RegistryEntries": None}, {"RegistryEntries": {"Attributes": None}},
    {"RegistryEntries": {"Attributes": [1]}}, b"<html>", b"{", b"\x1f\x8b garbage",
])
def test_a_registry_that_is_none_leaves_the_attributes_readable(body):
    def fault(bmc: StubBmc, request: Any) -> Reply | None:
        return Reply(200, body) if request.key == DATA else None

    got, _, _ = found(with_registry("R", {"R": at(DATA)}), fault=fault)
    assert got is None


def test_the_list_of_registries_may_be_missing_or_broken():
    for listed in (None, {}, {"Members": None}, {"Members": [None, 1, {}, {"@odata.id": 5}]}):
        machine = with_registry("R", {})
        machine[f"{ROOT}/registries"] = listed
        assert found(machine)[0] is None
    machine = with_registry("R", {})
    del machine[ROOT]["Registries"]
    assert found(machine)[0] is None


def test_a_bmc_at_work_is_not_a_bmc_without_registry():
    def fault(bmc: StubBmc, request: Any) -> Reply | None:
        return error(503, "busy") if request.key == DATA else None

    with pytest.raises(Busy):
        found(with_registry("R", {"R": at(DATA)}), fault=fault)


def test_credentials_that_were_refused_on_the_way_are_told():
    def fault(bmc: StubBmc, request: Any) -> Reply | None:
        if request.key.startswith(f"{ROOT}/registries"):
            bmc.password = "changed"
            bmc.tokens.clear()
        return None

    with pytest.raises(Refused):
        found(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}), fault=fault)


# -- kept

def looks(bmc: StubBmc, files: RegistryFiles | None, times: int = 1) -> Registry | None:
    with Bmc(BmcAccess(bmc.address, "admin", Secret("right")), files) as one:
        return [one.look(()).registry for _ in range(times)][-1]


def registry_requests(bmc: StubBmc) -> int:
    return sum("registries" in request.key for request in bmc.log)


def test_nobody_who_does_not_need_it_reads_it():
    with serve(StubBmc(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}))) as bmc:
        assert looks(bmc, None) is None and registry_requests(bmc) == 0


def test_it_is_read_once_over_looks_and_runs(tmp_path: Path):
    files = RegistryFiles(tmp_path / "deep" / "registries")
    with serve(StubBmc(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}))) as bmc:
        assert looks(bmc, files, times=3) is not None
        asked = registry_requests(bmc)
        assert asked == 2
        assert looks(bmc, files) is not None
        assert registry_requests(bmc) == asked
    (kept,) = (tmp_path / "deep" / "registries").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


def test_another_bios_version_or_another_machine_is_asked_anew(tmp_path: Path):
    files = RegistryFiles(tmp_path)
    with serve(StubBmc(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}))) as bmc:
        looks(bmc, files)
        for change in ({"BiosVersion": "2.0"}, {"UUID": "C3D4"}):
            before = registry_requests(bmc)
            bmc.resources[f"{ROOT}/systems/1"].update(change)
            looks(bmc, files)
            assert registry_requests(bmc) > before


def test_a_machine_that_does_not_say_who_it_is_leaves_nothing_behind(tmp_path: Path):
    with serve(StubBmc(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}))) as bmc:
        bmc.resources[f"{ROOT}/systems/1"].update(UUID=None, SerialNumber="")
        assert looks(bmc, RegistryFiles(tmp_path)) is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [
    b"", b"garbage", gzip.compress(b"{"), gzip.compress(b"[]"), gzip.compress(b'{"RegistryEntries": 1}'),
    gzip.compress(json.dumps(registry()).encode())[:-9],
])
def test_a_spoilt_file_is_read_from_the_bmc_again(tmp_path: Path, content: bytes):
    files = RegistryFiles(tmp_path)
    with serve(StubBmc(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}))) as bmc:
        looks(bmc, files)
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(content)
        assert looks(bmc, files) is not None
        assert files.load(kept.name.removesuffix(".json.gz")) is not None


def test_a_directory_that_cannot_be_written_is_no_failure(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with serve(StubBmc(with_registry("R", {"R": at(DATA)}, **{DATA: registry()}))) as bmc:
        assert looks(bmc, RegistryFiles(tmp_path / "file" / "below")) is not None


def test_the_oldest_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bpa.adapters.redfish.bios.registry_files.MOST", 3)
    files = RegistryFiles(tmp_path)
    for n in range(5):
        files.store(f"{n:08x}", "x")
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(ValueError):
        files.load("../../etc/passwd")


def test_machines_that_serve_the_same_share_one_in_memory(tmp_path: Path):
    def kept(folder: str, served: dict[str, Any]) -> Registry | None:
        return found(with_registry("R", {"R": at(DATA)}, **{DATA: served}), RegistryFiles(tmp_path / folder))[0]

    one = kept("a", registry())
    assert one is kept("b", registry()) is kept("a", registry())
    assert kept("c", registry("Another")) is not one


def test_no_registry_is_not_asked_for_with_each_look():
    with serve(StubBmc(with_registry("R", {}))) as bmc:
        with Bmc(BmcAccess(bmc.address, "admin", Secret("right")), RegistryFiles(Path("/nonexistent"))) as one:
            one.look(())
            before = registry_requests(bmc)
            one.look(())
            assert registry_requests(bmc) == before


# -- on recorded machines

@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded machines are not unpacked: see .ci/run")
@pytest.mark.parametrize("name, attributes, dependencies, most", [
    ("dell-r750-idrac9-6.00.30.00", 682, 588, 4), ("hpe-dl385g10plusv2-ilo5-2.72", 402, 723, 2),
    ("lenovo-sr670v2-xcc-2.83", 348, 95, 2), ("supermicro-sys821ge-bmc-11.01.01", 495, 350, 4),
    ("intel-s2600bpb-bmc-1.93", 0, 0, 2), ("openbmc-stock-2.15", 0, 0, 0), ("dmtf-public-rackmount1-2022.3", 0, 0, 2),
])
def test_a_recorded_machines_registry_is_read_in_a_few_requests(name, attributes, dependencies, most):
    with serve(StubBmc(RecordedTree(RECORDED / name))) as bmc, Target(BmcAccess(bmc.address, "admin", Secret("right"))) as target:
        found = look_at_bios(target).machine.registry
    assert (len(found), len(found.dependencies)) == (attributes, dependencies) if attributes else found is None
    assert sum("regist" in request.key for request in bmc.log) <= most


# -- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([
        "Attributes", "AttributeName", "Type", "Value", "ValueName", "ValueDisplayName", "LowerBound", "Dependencies",
        "Dependency", "MapFrom",
        "MapFromAttribute", "MapFromValue", "MapFromCondition", "MapTerms", "MapToAttribute", "MapToProperty",
        "MapToValue", "ReadOnly", "ValueExpression", "DisplayName"]), inner, max_size=6), max_leaves=25)


LISTS = st.fixed_dictionaries({"Attributes": st.lists(JSON, max_size=4), "Dependencies": st.lists(JSON, max_size=4)})


@given(st.fixed_dictionaries({"RegistryEntries": JSON | LISTS}))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_served_as_a_registry_is_read_without_a_fall(body):
    read = parse_registry(body)
    assert all(a.name for a in read.attributes())
    assert all(len(d.joints) == len(d.terms) - 1 for d in read.dependencies)
