"""What identifies a machine, by the names that Redfish and its vendors give to it. Rules, not lists of machines."""

from __future__ import annotations

import functools
import re
from typing import Literal, get_args

Kind = Literal["serials", "macs", "uuids", "addresses", "names", "users", "mails", "places", "certificates"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What may be kept when asked for. Secrets are no kind: they always go."""
MEANING: dict[Kind, str] = {
    "serials": "serial numbers, service and asset tags, entitlement ids",
    "macs": "MAC addresses, WWNs and GUIDs of ports (the vendor's part stays)",
    "uuids": "UUIDs",
    "addresses": "IP addresses",
    "names": "host and domain names",
    "users": "user names",
    "mails": "mail addresses",
    "places": "contacts, owners, racks, rooms, postal addresses",
    "certificates": "certificates, their fingerprints, SSH keys",
}

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("serials", r"serial_?(number|no|num|nr)|(?<!.)serial|(service|asset)_?tag|service_code|node_?id|entitlement_ids?"
                r"|licen[cs]e_(list|id)"),
    ("uuids", r"uuid|(?<!node_)(?<!port_)(?<!group_)guid"),
    ("macs", r"mac|mac_?addr(ess)?(es)?|associated_(network|mac)_addresses|guid|wwn|wwpn|wwnn|nguid|eui|durable_name"
             r"|(sas|wwn)_address|world_?wide_(\w+_)?name"),
    ("users", r"(?<!.)user|user_?name|remote_user|created_by|account_name|login_name"),
    ("names", r"host_?name|ip_hostname|host_?name_ip_address|fqdn|dns(_\w+)?_name|domain_?name|node_name|server_name"
              r"|system_name|search_domains?|(name|dns|ntp|wins|ldap|smtp|syslog|radius|proxy|kms)_?servers?"
              r"|(server|service)_address(es)?|common_name"),
    ("places", r"(data_?center|room|rack|aisle|building|street|floor|city|town|district|postal_code|house_number"
               r"|contact|owner)(_(name|info|id|person))?|phone(_number)?|latitude|longitude"
               r"|(?<!.)(admin|service)_(name|email|other_info)"),
    ("certificates", r"(finger|thumb)print"),
)
_KEYS = tuple((kind, re.compile(rf"(^|_)({pattern})(_?\d+|_[0-9a-f]{{4}})?$")) for kind, pattern in _PATTERNS)
NO_UUID = re.compile(r"signature_owner|targets|device_class|class_id")
"""Keys whose UUIDs name a kind of thing for everybody: EFI signature owners, classes of devices."""
VERSION = re.compile(
    r"version|revision|firmware|(^|_)fw|bios|build|release|driver|package|software|^id$|odata|etag|devicepath"
    r"|ncsi|^relatedproperties$", re.IGNORECASE
)
"""Keys whose four numbers with dots are a version."""
ADDRESS = re.compile(
    r"addr|^ip|ip$|ipv[46]|gateway|dns|ntp|server|host|ur[il]|source|destination|origin|client|peer|proxy", re.IGNORECASE
)
"""Keys whose four numbers with dots are surely an address."""
PLACEHOLDER = re.compile(
    r"|n/?a|none|null|unknown|undefined|unspecified|not (specified|available|applicable|present|set)|default( string)?"
    r"|to be filled.*|empty|no asset tag|.*serial number|[\W_]+|(.)\2*|0?123456789(0|abcdef)?|chassis\.?\d*|system\.?\d*"
    r"|enabled|disabled|true|false|yes|no|manager|system|localhost|server|host|bmc|redacted|auto|fqdn"
    r"|ip(v[46])?(_?address)?", re.IGNORECASE
)
"""What stands where nothing was filled in: it names no machine, and replacing it would spoil the tree."""
STOCK_USERS = frozenset((
    "root", "admin", "administrator", "operator", "readonly", "guest", "user", "username", "userid", "anonymous", "nobody",
    "system", "public", "service", "unknown", "none", "manager", "superuser", "bios", "noauth", "redfish",
))
"""Accounts that every machine of a vendor has."""
PUBLIC_DOMAINS = (
    "dmtf.org", "snia.org", "w3.org", "oasis-open.org", "odata.org", "opencompute.org", "openbmc-project.xyz", "ietf.org",
    "dell.com", "hpe.com", "hp.com", "lenovo.com", "supermicro.com", "intel.com", "amd.com", "nvidia.com", "mellanox.com",
    "broadcom.com", "cisco.com", "huawei.com", "xfusion.com", "fujitsu.com", "gigabyte.com", "ami.com", "inspur.com",
    "microsoft.com", "redhat.com", "github.com", "google.com", "ntp.org", "openssh.com", "libssh.org",
    "json-schema.org", "creativecommons.org", "apache.org", "gnu.org", "kernel.org", "freedesktop.org", "rsyslog.com",
    "email.com", "example.com", "example.org", "example.net",
)
"""Whose names in links and texts are documentation, not somebody's network."""

MAC_TEXT = re.compile(r"(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}"
                      r"(?:(?:\1[0-9A-Fa-f]{2}){2}|(?:\1[0-9A-Fa-f]{2}){14})?(?![0-9A-Fa-f:-])")
MAC_CALL = re.compile(r"\bMAC\(([0-9A-Fa-f]{12})\b")
UUID_TEXT = re.compile(r"(?<![0-9A-Fa-f-])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Fa-f-])")
IPV4_TEXT = re.compile(r"(?<![0-9A-Za-z.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![0-9]|\.[0-9])")
IPV6_TEXT = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:.])")
MAIL_TEXT = re.compile(
    r"[A-Za-z0-9._%+-]+@(?!odata|redfish|message)(?!\S+\.(?:service|socket|target|mount|timer|slice|device)\b)"
    r"((?:[A-Za-z0-9-]+\.)+[a-z]{2,12})\b"
)
URL_HOST = re.compile(r"\w://(?:[^/@\s]*@)?([A-Za-z0-9_.-]+)")
SSH_KEY = re.compile(r"(?:ssh-[a-z0-9]+|ecdsa-sha2-[a-z0-9-]+) +[A-Za-z0-9+/]{32,}={0,2}")
CERTIFICATE = re.compile(r"-----BEGIN ([A-Z0-9 ]*CERTIFICATE[A-Z ]*|PUBLIC KEY)-----.*?-----END \1-----", re.DOTALL)
BARE_CERTIFICATE = re.compile(r"^(ca_?)?certificate(_?(string|data|chain))?$", re.IGNORECASE)


def plain_key(key: str) -> str:
    """The last word of a key: Dell's Users.2.UserName is a UserName. "" for annotations, which name no value."""
    return "" if "@" in key else key.rpartition(".")[2]


def words_of(key: str) -> str:
    """ChassisServiceTag -> chassis_service_tag, MACAddress -> mac_address: so that Capacity does not end in a city."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key.replace("IPv", "Ipv"))
    return re.sub(r"[\W_]+", "_", split).lower()


@functools.lru_cache(maxsize=65536)
def kind_of(key: str) -> Kind | None:
    """What kind of identity the value of a property is, by the property's name."""
    name = words_of(plain_key(key))
    return next((kind for kind, pattern in _KEYS if pattern.search(name)), None) if name else None


def public(host: str) -> bool:
    """A host that belongs to a vendor, a standard or documentation."""
    lower = host.lower().rstrip(".")
    return any(lower == domain or lower.endswith("." + domain) for domain in PUBLIC_DOMAINS)
