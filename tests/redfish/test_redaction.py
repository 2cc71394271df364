"""What identifies a machine is gone from a redacted tree, everywhere, and the tree still is what it was."""

from __future__ import annotations

import ipaddress
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpa.core.redaction import KINDS, REDACTED, Redactor, without_secrets

KEY = b"k" * 32


def redacted(*bodies: Any, keep: tuple[Any, ...] = ()) -> list[Any]:
    redactor = Redactor(KEY, keep)
    for body in bodies:
        redactor.learn(body)
    return [redactor.redact(body) for body in bodies]


def alone(body: Any) -> Any:
    return redacted(body)[0]


SERIALS = st.from_regex(r"[A-Z]{2}[0-9]{3}[A-Z0-9]{2,12}", fullmatch=True)
MACS = st.integers(0x020000000001, 0xFEFFFFFFFFFE).map(lambda n: ":".join(f"{n:012x}"[i : i + 2] for i in range(0, 12, 2)))
ADDRESSES = st.sampled_from(["10.{}.{}.7", "192.168.{}.{}", "172.16.{}.{}"]).flatmap(
    lambda form: st.tuples(st.integers(1, 250), st.integers(1, 250)).map(lambda n: form.format(*n))
)
HOSTS = st.from_regex(r"[a-z]{3,8}-[a-z0-9]{2,8}(\.corp[0-9]\.net)?", fullmatch=True)


@st.composite
def machines(draw: st.DrawFn) -> tuple[dict[str, list[str]], list[Any]]:
    """Identities, and a tree that spells them here, there and everywhere."""
    serial, mac, address, host, other = draw(SERIALS), draw(MACS), draw(ADDRESSES), draw(HOSTS), draw(ADDRESSES)
    own = str(uuid.UUID(int=draw(st.integers(2**64, 2**128 - 2))))
    plain = mac.replace(":", "")
    system = {
        "@odata.id": f"/redfish/v1/Systems/{serial}", "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem",
        "SerialNumber": serial, "UUID": own.upper(), "HostName": host, "PowerState": "On", "MemorySummary": {"TotalGiB": 7},
        "Links": {"ManagedBy": [{"@odata.id": f"/redfish/v1/Managers/bmc-{serial.lower()}"}]},
    }
    interface = {
        "MACAddress": mac.upper(), "IPv4Addresses": [{"Address": address, "SubnetMask": "255.255.255.0"}], "NameServers": [other],
        "UefiDevicePath": f"PciRoot(0x0)/MAC({plain.upper()},0x1)/IPv4(0.0.0.0)", "FQDN": host, "Description": f"NIC of {host}",
        "IPv6Addresses": [{"Address": f"fe80::{plain[:4]}:{plain[4:6]}ff:fe{plain[6:8]}:{plain[8:]}"}],
    }
    log = {
        "Message": f"login of {draw(st.sampled_from(['root', 'admin']))} from {other} on {host} ({serial})",
        "MessageArgs": [other, serial, own], "Attributes": {f"Slot1_{plain.upper()}_Legacy": "Enabled"},
        "Url": f"https://{host}/x?mac={mac}", "BiosVersion": "1.2.3.4", "Firmware": draw(st.sampled_from(["2.71", "10.0.0.1"])),
    }
    identities = {"serials": [serial], "macs": [mac, plain], "uuids": [own, own.replace("-", "")],
                  "addresses": [address, other], "names": [host]}
    return identities, [system, interface, log]


@given(machines())
@settings(max_examples=100, deadline=None)
def test_no_identity_is_left_anywhere(machine: tuple[dict[str, list[str]], list[Any]]) -> None:
    identities, bodies = machine
    text = json.dumps(redacted(*bodies)).lower()
    for kind, values in identities.items():
        for value in values:
            if kind == "addresses":
                assert value not in {word.strip('"[],() ') for word in text.replace(",", " ").split()}, value
            else:
                assert value.lower() not in text, (kind, value)


@given(machines())
@settings(max_examples=60, deadline=None)
def test_redacting_twice_changes_nothing_more_and_types_stay(machine: tuple[dict[str, list[str]], list[Any]]) -> None:
    _, bodies = machine
    redactor = Redactor(KEY)
    for body in bodies:
        redactor.learn(body)
    once = [redactor.redact(body) for body in bodies]
    assert [redactor.redact(body) for body in once] == once
    assert [shape(body) for body in once] == [shape(body) for body in bodies]


@given(machines())
@settings(max_examples=40, deadline=None)
def test_what_is_to_be_kept_is_kept(machine: tuple[dict[str, list[str]], list[Any]]) -> None:
    _, bodies = machine
    assert redacted(*bodies, keep=KINDS) == bodies


TEXT = st.text(st.characters(exclude_categories=()), max_size=24)  # JSON may hold half a surrogate pair
NAMES = ("SerialNumber", "UUID", "MACAddress", "HostName", "UserName", "Password", "AssetTag", "Members")
KEY_NAMES = TEXT | st.sampled_from(NAMES)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY_NAMES, inner, max_size=4)))
@settings(max_examples=200, deadline=None)
def test_any_json_can_be_redacted_and_keeps_its_shape(body: Any) -> None:
    once = alone(body)
    assert shape(once) == shape(body)


def shape(value: Any) -> Any:
    """The value with its texts and the parts of names that may change taken out."""
    if isinstance(value, dict):
        return [shape(v) for v in value.values()]
    return [shape(v) for v in value] if isinstance(value, list) else type(value)


def test_the_same_value_is_the_same_everywhere_in_every_spelling() -> None:
    first, second = redacted(
        {"MACAddress": "B8:3F:D2:90:97:C4", "SerialNumber": "CNIVC0014M0388"},
        {"MACAddress": "b83fd29097c4", "Id": "NIC-B83FD29097C4", "PermanentNodeGUID": "b83f:d2ff:ff90:97c4",
         "AssetTag": "CNIVC0014M0388", "HostName": "idrac-cnivc0014m0388", "Path": "/x/CNIVC0014M0388_2024.bak"},
    )
    plain = first["MACAddress"].replace(":", "")
    assert plain.startswith("B83FD2") and plain != "B83FD29097C4"
    assert second["MACAddress"] == plain.lower() and second["Id"] == f"NIC-{plain}"
    assert second["PermanentNodeGUID"].replace(":", "") == f"{plain[:6]}ffff{plain[6:]}".lower()
    assert second["AssetTag"] == first["SerialNumber"] and first["SerialNumber"] in second["Path"]
    assert second["HostName"].startswith("host-")


def test_a_uuid_without_dashes_is_the_same_uuid() -> None:
    made = alone({"UUID": "6173ECEC6EF511EE834A0A8FC3A58A71", "ServiceEntryPointUUID": "6173ecec-6ef5-11ee-834a-0a8fc3a58a71"})
    assert made["UUID"].lower() == made["ServiceEntryPointUUID"].replace("-", "") != "6173ecec6ef511ee834a0a8fc3a58a71"


def test_names_of_properties_and_types_are_never_touched() -> None:
    body = {"@odata.type": "#Drive.v1_7_0.Drive", "Slot12345": 1, "SerialNumber": "Slot12345", "Model": "v1_7_0 drive",
            "HostName": "drive"}
    made = alone(body)
    assert made["@odata.type"] == body["@odata.type"] and "Slot12345" in made and made["Model"] == body["Model"]
    assert made["SerialNumber"] != "Slot12345" and made["HostName"] != "drive"


@pytest.mark.parametrize("value", [
    "", "N/A", "None", "Unknown", "To be filled by O.E.M.", "Default string", "0000000000", "....................",
    "Not Specified", "123456789", "System Serial Number", "Chassis.1",
])
def test_what_stands_where_nothing_was_filled_in_stays(value: str) -> None:
    assert alone({"SerialNumber": value, "AssetTag": value}) == {"SerialNumber": value, "AssetTag": value}


@pytest.mark.parametrize("value", [
    "0.0.0.0", "127.0.0.1", "255.255.255.192", "240.0.0.0", "169.254.3.1", "224.0.0.251", "192.0.2.7", "::", "::1", "ff02::1",
    "2001:db8::7", "2002::",
])
def test_addresses_that_lead_to_nobody_stay(value: str) -> None:
    assert alone({"Address": value}) == {"Address": value}


@pytest.mark.parametrize(("body", "stays"), [
    ({"FirmwareVersion": "28.37.10.14"}, True),
    ({"FirmwareVersion": "218.0.169.2", "Broadcom_MBA": "218.0.169.2"}, True),
    ({"@odata.id": "/redfish/v1/UpdateService/FirmwareInventory/Installed-0-21.80.16.95__NIC"}, True),
    ({"Gateway": "28.37.10.14"}, False),
    ({"Message": "Logged in from 28.37.10.14."}, False),
    ({"Destination": "https://28.37.10.14:443/events"}, False),
])
def test_versions_are_told_from_addresses(body: dict[str, str], stays: bool) -> None:
    assert (alone(body) == body) is stays


def test_an_address_is_not_taken_for_a_part_of_another() -> None:
    made = alone({"Address": "10.0.2.1", "Message": "10.0.2.15 and 10.0.2.1."})
    first, second = made["Message"].rstrip(".").split(" and ")
    assert made["Address"] == second and first != second
    assert all(ipaddress.ip_address(a) for a in (first, second))


SECRETS: list[tuple[dict[str, Any], str]] = [
    ({"Password": "hunter2"}, "hunter2"),
    ({"Attributes": {"Users.2.SHA256Password": "AB12"}}, "AB12"),
    ({"Attributes": {"Users.2.SHA256PasswordSalt": "7FACC3"}}, "7FACC3"),
    ({"Attributes": {"Users.2.IPMIKey": "A9759B88"}}, "A9759B88"),
    ({"Attributes": {"SNMP.1.AgentCommunity": "lan-ro"}}, "lan-ro"),
    ({"Attributes": {"AdministratorPassword_0042": "pw"}}, "pw"),
    ({"CommunityStrings": [{"CommunityString": "lan-ro"}], "Communities": ["other"]}, "lan-ro"),
    ({"SNMPv3": {"AuthenticationKey": "Passphrase:x9"}}, "x9"),
    ({"KeyString": "DHHC-1:00:ia6z:"}, "ia6z"),
    ({"OAuthServiceSigningKeys": "ewog"}, "ewog"),
    ({"LicenseKey": "AAAAA-BBBBB"}, "BBBBB"),
    ({"Licenses": ['{"ProductKey":{"Node":{"LicenseID":"2"},"Signature":"zzz"}}']}, "zzz"),
    ({"Token": "abc123"}, "abc123"),
    ({"AttributeName": "AdminPassword", "DefaultValue": "letmein"}, "letmein"),
    ({"Name": "RadiusSecret", "Value": "shared7"}, "shared7"),
    ({"Image": "https://bob:pw7@10.1.2.3/x.iso"}, "pw7"),
    ({"Text": "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"}, "MIIB"),
    ({"@odata.id": "/redfish/v1/SessionService/Sessions/root0000000066be767add7686c8"}, "7686c8"),
    ({"@odata.type": "#SessionCollection.SessionCollection", "Members": [{"@odata.id": "/x/abc99"}]}, "abc99"),
]


@pytest.mark.parametrize(("body", "secret"), SECRETS)
def test_secrets_go_whatever_is_kept(body: dict[str, Any], secret: str) -> None:
    made = redacted(body, keep=KINDS)[0]
    assert secret not in json.dumps(made)
    assert without_secrets(made) == made


@pytest.mark.parametrize("body", [
    {"PasswordStatus": "Unlocked", "MinPasswordLength": 8, "PasswordExpiration": None},
    {"Users.2.EnableSNMPv3Passphrase": "Disabled", "SNMPv3PassphraseEnabled": "Enabled", "SessionTimeout": 1800},
    {"PasswordName@Redfish.AllowableValues": ["UefiAdminPassword"], "TokenType": "X", "EncryptionKey": ""},
    {"Licenses": [{"@odata.id": "/redfish/v1/LicenseService/Licenses/1"}], "Sessions": {"@odata.id": "/redfish/v1/S/Sessions"}},
])
def test_what_only_sounds_like_a_secret_stays(body: dict[str, Any]) -> None:
    assert without_secrets(body) == body


def test_the_password_that_was_used_goes_wherever_it_stands() -> None:
    redactor = Redactor(KEY)
    redactor.know_secret("S3cr3t!")
    redactor.learn({})
    assert redactor.redact({"Message": "tried S3cr3t! twice"}) == {"Message": f"tried {REDACTED} twice"}


def test_certificates_and_ssh_keys_go() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIIDejCC\n-----END CERTIFICATE-----"
    key, print_of_it = "ssh-rsa " + "A" * 64 + " root@bmc", "AB:CD:12:34:56:78:9A"
    made = alone({"CertificateString": pem, "SSHHostKey": key, "Fingerprint": print_of_it})
    assert "MIID" not in made["CertificateString"] and "AAAA" not in made["SSHHostKey"] and made["Fingerprint"] != print_of_it


def test_stock_accounts_stay_and_others_go_by_word() -> None:
    made = alone({"Accounts": [{"UserName": "root"}, {"UserName": "jdoe"}], "Message": "root and jdoe (jdoes, rooted)"})
    assert made["Accounts"][0] == {"UserName": "root"}
    assert made["Message"] == f"root and {made['Accounts'][1]['UserName']} (jdoes, rooted)"


def test_the_sku_is_a_service_tag_on_a_dell_and_a_product_elsewhere() -> None:
    assert alone({"Manufacturer": "Dell Inc.", "SKU": "F54P1G3"})["SKU"] != "F54P1G3"
    assert alone({"Manufacturer": "HPE", "SKU": "P38411-B21"})["SKU"] == "P38411-B21"


def test_a_tree_is_learnt_before_it_is_redacted() -> None:
    redactor = Redactor(KEY)
    redactor.redact({})
    with pytest.raises(ValueError, match="whole"):
        redactor.learn({})


def test_two_values_never_become_one() -> None:
    many = [{"SerialNumber": f"AB{n:04}"} for n in range(3000)]
    assert len({json.dumps(b) for b in redacted(*many)}) == len(many)
    addresses = [{"Address": f"10.9.{n // 250}.{n % 250 + 1}"} for n in range(1500)]
    made = [b["Address"] for b in redacted(*addresses)]
    assert len(set(made)) == len(made)
