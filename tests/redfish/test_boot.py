"""The boot override and the boot order: what is sent to which machine, and what is told where it does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from keeping_bmc import FakeTime, KeepingBmc, collection, put, sent
from stub_bmc import ROOT, Reply, Request, StubBmc, error, serve, small_machine

from bpa.adapters.errors import Refused, Unsupported
from bpa.adapters.redfish import BmcAccess
from bpa.adapters.redfish.boot.http import boot_from_url
from bpa.adapters.redfish.boot.override import disable_boot_override, read_boot, send_boot_override, set_boot_order
from bpa.adapters.redfish.target import Target
from bpa.adapters.redfish.writing import Writer
from bpa.core.secret import Secret

SYSTEM = f"{ROOT}/Systems/1"
TARGETS, ENABLED = "BootSourceOverrideTarget@Redfish.AllowableValues", "BootSourceOverrideEnabled@Redfish.AllowableValues"
NOW = {"BootSourceOverrideTarget": "None", "BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideMode": "UEFI"}
ATTRIBUTES = f"{ROOT}/Managers/1/Oem/Dell/DellAttributes/iDRAC.Embedded.1"


@pytest.fixture
def bmc() -> Iterator[StubBmc]:
    with serve(KeepingBmc(small_machine())) as stub:
        boot(stub).update(NOW)
        yield stub


@pytest.fixture
def writer(bmc: StubBmc) -> Iterator[Writer]:
    with Target(BmcAccess(bmc.address, "admin", Secret("right"))) as target:
        yield Writer(target, patience=FakeTime().waiting())


def system(stub: StubBmc) -> dict[str, Any]:
    assert isinstance(stub.resources, dict)
    found: dict[str, Any] = stub.resources[SYSTEM.lower()]
    return found


def boot(stub: StubBmc) -> dict[str, Any]:
    found: dict[str, Any] = system(stub)["Boot"]
    return found


def patches(stub: StubBmc) -> list[dict[str, Any]]:
    return [r.body["Boot"] for r in sent(stub, "PATCH")]


def test_only_what_changes_is_sent(bmc: StubBmc, writer: Writer) -> None:
    send_boot_override(writer, "Cd")
    assert patches(bmc) == [{"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}]
    send_boot_override(writer, "Pxe")
    assert patches(bmc)[1] == {"BootSourceOverrideTarget": "Pxe"}, "storyboard 2007355: some refuse what is so already"
    send_boot_override(writer, "Pxe")
    assert len(patches(bmc)) == 2


@pytest.mark.parametrize("maker", [{"Manufacturer": "Supermicro"}, {"Manufacturer": "ASRockRack"}])
def test_some_want_target_enabled_and_mode_in_every_request(bmc: StubBmc, writer: Writer, maker: dict[str, str]) -> None:
    system(bmc).update(maker)
    boot(bmc)["BootSourceOverrideEnabled"] = "Once"
    send_boot_override(writer, "Pxe")
    assert patches(bmc) == [
        {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once", "BootSourceOverrideMode": "UEFI"}
    ]


@pytest.mark.parametrize(
    ("maker", "allowed", "sent_as"),
    [
        ("Supermicro", ["None", "Cd", "UsbCd"], "UsbCd"),
        ("Supermicro", ["None", "Cd"], "Cd"),
        ("Contoso", ["None", "Cd", "UsbCd"], "Cd"),
        ("Contoso", ["None", "UsbCd"], "UsbCd"),
        ("Contoso", ["NONE", "CD"], "CD"),
        ("Contoso", [], "Cd"),
    ],
)
def test_virtual_media_is_called_as_the_machine_calls_it(
    bmc: StubBmc, writer: Writer, maker: str, allowed: list[str], sent_as: str
) -> None:
    system(bmc)["Manufacturer"] = maker
    boot(bmc)[TARGETS] = allowed
    assert send_boot_override(writer, "Cd").target == sent_as


def test_a_mode_is_changed_where_it_can_be(bmc: StubBmc, writer: Writer) -> None:
    send_boot_override(writer, "Pxe", mode="UEFI")
    assert "BootSourceOverrideMode" not in patches(bmc)[0], "as it is already"
    send_boot_override(writer, "Pxe", mode="Legacy")
    assert patches(bmc)[1] == {"BootSourceOverrideMode": "Legacy"}


def test_a_mode_that_only_the_bios_can_change_is_not_sent(bmc: StubBmc, writer: Writer) -> None:
    system(bmc)["Manufacturer"] = "HPE"
    system(bmc)["Links"] = {"ManagedBy": [put(bmc, f"{ROOT}/Managers/1", {"Model": "iLO 5", "FirmwareVersion": "iLO 5 v2.72"})]}
    with pytest.raises(Unsupported, match="cannot be told Legacy") as caught:
        send_boot_override(writer, "Pxe", mode="Legacy")
    assert "bootMode=legacy" in caught.value.advice
    assert patches(bmc) == []


def test_disabled_is_enough(bmc: StubBmc, writer: Writer) -> None:
    boot(bmc).update({"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"})
    disable_boot_override(writer)
    assert patches(bmc) == [{"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}]
    disable_boot_override(writer)
    assert len(patches(bmc)) == 1


def test_an_override_that_is_accepted_and_not_kept_is_told(bmc: StubBmc, writer: Writer) -> None:
    bmc.keeps = False  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="did not keep them: BootSourceOverrideTarget is None, not Pxe"):
        send_boot_override(writer, "Pxe")


def test_an_override_that_is_refused_and_done_all_the_same_is_done(bmc: StubBmc, writer: Writer) -> None:
    # community.general issue 5091: iDRAC8.
    def refuse(stub: StubBmc, r: Request) -> Reply | None:
        if r.method == "PATCH":
            boot(stub).update(r.body["Boot"])
            return error(400, "it depends on other attribute(s)", "IDRAC.1.6.SYS444")
        return None

    bmc.fault = refuse
    assert send_boot_override(writer, "Pxe").target == "Pxe"


def test_an_override_that_is_refused_is_told_in_its_words(bmc: StubBmc, writer: Writer) -> None:
    bmc.fault = lambda stub, r: error(400, "no such thing", "Base.1.0.Nope") if r.method == "PATCH" else None
    with pytest.raises(Refused, match="no such thing"):
        send_boot_override(writer, "Pxe")


def test_properties_that_the_settings_object_shows_are_written_there(bmc: StubBmc, writer: Writer) -> None:
    # Recorded on Lenovo SR670 V2: Boot.BootOrder in Systems/1/Pending.
    system(bmc)["@Redfish.Settings"] = {
        "SettingsObject": put(bmc, f"{SYSTEM}/Pending", {"Boot": {"BootOrder": ["Boot0001", "Boot0002"]}})}
    boot(bmc)["BootOrder"] = ["Boot0001", "Boot0002"]
    send_boot_override(writer, "Pxe")
    assert set_boot_order(writer, ["Boot0002"]).order == ("Boot0002", "Boot0001")
    assert [(r.key.rsplit("/", 1)[-1], list(r.body["Boot"])) for r in sent(bmc, "PATCH")] == [
        ("1", ["BootSourceOverrideTarget", "BootSourceOverrideEnabled"]), ("pending", ["BootOrder"])]


def with_options(stub: StubBmc) -> None:
    boot(stub)["BootOrder"] = ["Boot0001", "Boot0002", "Boot0003"]
    boot(stub)["BootOptions"] = collection(stub, f"{SYSTEM}/BootOptions", [
        ("3", {"BootOptionReference": "Boot0003", "DisplayName": "PXE NIC 1", "UefiDevicePath": "PciRoot(0)"}),
        ("1", {"BootOptionReference": "Boot0001", "DisplayName": "Ubuntu", "BootOptionEnabled": True}),
        ("2", {"BootOptionReference": "Boot0002", "DisplayName": "PXE NIC 2"}), ("x", {"DisplayName": 7}),
    ])


def test_boot_options_are_told_in_their_order(bmc: StubBmc, writer: Writer) -> None:
    with_options(bmc)
    told = read_boot(writer.target)
    assert [(o.reference, o.name) for o in told.options] == [
        ("Boot0001", "Ubuntu"), ("Boot0002", "PXE NIC 2"), ("Boot0003", "PXE NIC 1")]
    assert told.options[0].enabled is True


@pytest.mark.parametrize(
    ("first", "order"),
    [
        (["Boot0003"], ["Boot0003", "Boot0001", "Boot0002"]),
        (["pxe nic 1", "boot0002"], ["Boot0003", "Boot0002", "Boot0001"]),
        (["Ubuntu"], ["Boot0001", "Boot0002", "Boot0003"]),
    ],
)
def test_options_are_put_in_front_by_reference_or_name(bmc: StubBmc, writer: Writer, first: list[str], order: list[str]) -> None:
    with_options(bmc)
    assert list(set_boot_order(writer, first).order) == order
    assert len(patches(bmc)) == (0 if order[0] == "Boot0001" else 1)


@pytest.mark.parametrize(("name", "why"), [("PXE", "several boot options"), ("Debian", "no boot option")])
def test_a_name_that_fits_not_exactly_one_lists_them(bmc: StubBmc, writer: Writer, name: str, why: str) -> None:
    with_options(bmc)
    with pytest.raises(Refused, match=rf"{why}: .*Boot0003 \(PXE NIC 1\)"):
        set_boot_order(writer, [name])


# -- the ways of vendors


def idrac(stub: StubBmc, firmware: str, generation: str = "14G Monolithic") -> None:
    system(stub)["Manufacturer"] = "Dell Inc."
    attributes = put(stub, ATTRIBUTES, {"Attributes": {
        "ServerBoot.1.FirstBootDevice": "Normal", "ServerBoot.1.BootOnce": "Disabled"}})
    other = put(stub, ATTRIBUTES + "x", {"Attributes": {"LCAttributes.1": "x"}})
    system(stub)["Links"] = {"ManagedBy": [put(stub, f"{ROOT}/Managers/1", {
        "Model": generation, "FirmwareVersion": firmware, "Links": {"Oem": {"Dell": {"DellAttributes": [other, attributes]}}}})]}


@pytest.mark.parametrize(("firmware", "generation"), [("5.10.50.00", "14G Monolithic"), ("1.20.25.00", "17G Monolithic")])
def test_an_idrac_whose_override_means_the_physical_drive_gets_its_attributes(
    bmc: StubBmc, writer: Writer, firmware: str, generation: str
) -> None:
    idrac(bmc, firmware, generation)
    assert send_boot_override(writer, "Cd").target == "VCD-DVD"
    (patch,) = sent(bmc, "PATCH")
    assert patch.path == ATTRIBUTES
    assert patch.body == {"Attributes": {"ServerBoot.1.FirstBootDevice": "VCD-DVD", "ServerBoot.1.BootOnce": "Enabled"}}
    send_boot_override(writer, "Cd")
    assert len(sent(bmc, "PATCH")) == 1


def test_an_idrac_that_knows_its_virtual_cd_gets_the_override(bmc: StubBmc, writer: Writer) -> None:
    idrac(bmc, "6.10.30.00", "15G Monolithic")
    assert send_boot_override(writer, "Cd").target == "Cd"


def test_an_old_idrac_is_sent_the_override_for_everything_else(bmc: StubBmc, writer: Writer) -> None:
    idrac(bmc, "5.10.50.00")
    send_boot_override(writer, "Pxe")
    assert patches(bmc) == [{"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}]


def test_a_url_goes_into_the_override_where_it_has_a_place_for_it(bmc: StubBmc, writer: Writer) -> None:
    boot(bmc).update({"HttpBootUri": None, TARGETS: ["None", "Pxe", "UefiHttp"]})
    told, staged = boot_from_url(writer, "http://192.0.2.1/boot.efi")
    assert (told.target, told.http_uri, staged) == ("UefiHttp", "http://192.0.2.1/boot.efi", None)
    send_boot_override(writer, "Pxe")
    assert patches(bmc)[1] == {"BootSourceOverrideTarget": "Pxe", "HttpBootUri": None}, "a URL that nobody means is taken out"


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"UrlBootFile": ""}, {"UrlBootFile": "http://192.0.2.1/boot.efi"}),
        ({"HttpDev1Uri": "", "HttpDev1EnDis": "Disabled"},
         {"HttpDev1Uri": "http://192.0.2.1/boot.efi", "HttpDev1EnDis": "Enabled"}),
    ],
)
def test_a_url_goes_into_the_bios_where_the_override_has_no_place_for_it(
    bmc: StubBmc, writer: Writer, attributes: dict[str, str], wanted: dict[str, str]
) -> None:
    assert isinstance(bmc.resources, dict)
    bmc.resources[f"{SYSTEM}/Bios".lower()]["Attributes"] = attributes
    boot(bmc)[TARGETS] = ["None", "UefiHttp"]
    told, staged = boot_from_url(writer, "http://192.0.2.1/boot.efi")
    assert sent(bmc, "PATCH")[0].body["Attributes"] == wanted
    assert told.target == "UefiHttp" and staged is not None and staged.dropped == {}
    boot_from_url(writer, "http://192.0.2.1/boot.efi")
    assert len(sent(bmc, "PATCH")) == 2, "what is staged already is left alone"


def test_a_url_without_a_place_is_told(bmc: StubBmc, writer: Writer) -> None:
    with pytest.raises(Unsupported, match="takes no URL"):
        boot_from_url(writer, "http://192.0.2.1/boot.efi")


def test_a_system_without_boot_settings_says_so(bmc: StubBmc, writer: Writer) -> None:
    del system(bmc)["Boot"]
    with pytest.raises(Unsupported, match="shows no boot settings"):
        send_boot_override(writer, "Pxe")
    with pytest.raises(Unsupported, match="shows no boot order"):
        set_boot_order(writer, ["Boot0001"])


def test_hpe_keeps_its_boot_order_with_the_bios(bmc: StubBmc, writer: Writer) -> None:
    # python-ilorest-library, example 7.
    assert isinstance(bmc.resources, dict)
    with_options(bmc)
    settings = f"{SYSTEM}/Bios/oem/hpe/boot/settings"
    source = [("0001", "HD.1"), ("0002", "NIC.2"), ("0003", "NIC.1"), ("0004", "File.URL")]
    put(bmc, settings, {"PersistentBootConfigOrder": ["HD.1", "NIC.2", "NIC.1", "File.URL"], "BootSources": [
        {"BootOptionNumber": number, "StructuredBootString": name} for number, name in source]})
    current = put(bmc, f"{SYSTEM}/Bios/oem/hpe/boot", {"@Redfish.Settings": {"SettingsObject": {"@odata.id": settings}}})
    bmc.resources[f"{SYSTEM}/Bios".lower()]["Oem"] = {"Hpe": {"Links": {"Boot": current}}}
    assert set_boot_order(writer, ["PXE NIC 1"]).order == ("Boot0003", "Boot0001", "Boot0002")
    (patch,) = sent(bmc, "PATCH")
    assert (patch.path, patch.body) == (settings, {"PersistentBootConfigOrder": ["NIC.1", "HD.1", "NIC.2", "File.URL"]})
    set_boot_order(writer, ["Boot0003"])
    assert len(sent(bmc, "PATCH")) == 1
    bmc.keeps = False  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="did not keep it"):
        set_boot_order(writer, ["Boot0002"])


def test_continuous_that_is_refused_becomes_once(bmc: StubBmc, writer: Writer) -> None:
    del boot(bmc)[ENABLED]
    bmc.fault = lambda stub, r: (
        error(400, "not in the list") if r.method == "PATCH" and "Continuous" in r.body["Boot"].values() else None
    )
    assert send_boot_override(writer, "Pxe", "Continuous").enabled == "Once"
