"""Whatever is in a file, the loader answers with a site or with errors that have a place, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bpa.documents import DocumentErrors, load

HERE = Path(__file__).parent
SEEDS = sorted([*(HERE / "bad").glob("*.yaml"), *(HERE / "icn").iterdir(), HERE / "good.yaml"])
FRAGMENTS = (
    "null",
    "[]",
    "{}",
    "- ",
    "~",
    "1",
    "''",
    "true",
    "&a",
    "*a",
    "<<: *a",
    ": ",
    "---\n",
    "!!str",
    "|",
    ">",
    "{",
    "[",
    "\t",
    "-1",
    "1e999",
    "0x",
    "\u00e9",
    "\U0001f600",
    "\x00",
    "\ufeff",
    "%YAML 1.2\n",
    "spec:",
    "kind: List",
    "items:",
)


def refused_or_read(raw: bytes) -> None:
    with TemporaryDirectory() as directory:
        (Path(directory) / "any.yaml").write_bytes(raw)
        try:
            load(Path(directory), environment={})
        except DocumentErrors as refusal:
            assert refusal.errors
            for error in refusal.errors:
                assert error.message
                assert "\n" not in error.text
                assert error.line <= raw.count(b"\n") + raw.count(b"\r") + raw.count(b"\x85") + 2 or raw[:2] in (
                    b"\xff\xfe",
                    b"\xfe\xff",
                )


@given(st.binary(max_size=400))
@example(b"")
@example(b"\xff\xfea\x00:\x00")
@example(b"\xef\xbb\xbf")
@example(b"\x00")
@settings(deadline=None)
def test_any_bytes(raw: bytes) -> None:
    refused_or_read(raw)


@given(st.text(st.sampled_from("abk:- \n\t[]{}&*!|>'\"#%@`,?~<=019.\r"), max_size=200))
@settings(deadline=None)
def test_any_text_that_looks_like_yaml(text: str) -> None:
    refused_or_read(text.encode())


@given(st.sampled_from(SEEDS), st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_any_damage_to_a_real_document(seed: Path, number: int) -> None:
    chance = random.Random(number)
    text = seed.read_text("utf-8", errors="replace")
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text))
        how = chance.randrange(4)
        if how == 0:
            text = text[:start] + chance.choice(FRAGMENTS) + text[start:]
        elif how == 1:
            text = text[:start] + text[start + chance.randint(1, 30) :]
        elif how == 2:
            # A value of another type: what follows a colon becomes something else.
            colon = text.find(": ", start)
            end = text.find("\n", colon)
            if 0 <= colon < end:
                text = text[: colon + 2] + chance.choice(FRAGMENTS) + text[end:]
        else:
            line = text.rfind("\n", 0, start) + 1
            end = text.find("\n", start)
            if end > 0:
                text = text[:line] + text[line:end] + text[line:]
        text = text or " "
    refused_or_read(text.encode("utf-8", "replace"))


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        "metadata",
        "name",
        "namespace",
        "labels",
        "annotations",
        "cluster",
        "spec",
        "masters",
        "workers",
        "mac-address",
        "memory",
        "cpu",
        "KUDPlugins",
        "PodSubnet",
        "bios",
        "intents",
        "attributes",
        "kernel",
        "arguments",
        "sriov",
        "match",
        "device",
        "vfs",
        "pmem",
        "region",
        "size",
        "qat",
        "bmc",
        "address",
        "credentialsName",
        "bootMACAddress",
        "image",
        "url",
        "checksum",
        "rootDeviceHints",
        "networkData",
        "data",
        "stringData",
        "ironic",
        "embedded",
        "endpoint",
        "passwordFrom",
        "listen",
        "kata",
        "masterSoftware",
        "bpa.akraino.org/from-file",
        "bpa.akraino.org/from-env",
        "icn.akraino.org/node-ip",
        "status",
        "hardware",
        "nics",
        "minimum",
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)
KINDS = st.sampled_from(
    [
        ("bpa.akraino.org/v1alpha1", kind)
        for kind in ("Provisioning", "Software", "HardwareProfile", "Site", "Tenant", "HostProvisioning")
    ]
    + [("metal3.io/v1alpha1", "BareMetalHost"), ("v1", "Secret"), ("v1", "List"), ("apps/v1", "Deployment")]
)


@given(
    st.lists(st.tuples(KINDS, st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=6)), max_size=4)
)
@settings(deadline=None, max_examples=100)
def test_any_values_in_the_fields_of_our_kinds(documents: list) -> None:
    import json

    texts = [json.dumps({"apiVersion": version, "kind": kind, **top, "spec": spec}) for (version, kind), top, spec in documents]
    refused_or_read("\n---\n".join(texts).encode())
