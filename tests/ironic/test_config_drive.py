"""The config drive: complete, in the order that lets us in, and silent about its secrets."""

from __future__ import annotations

import json
from email import message_from_string
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpa.core.config_drive import FirstBoot, HostKey, render
from bpa.core.secret import Secret

KEY = HostKey(Secret("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"), "ssh-ed25519 AAAA")


def boot(user_data: str | None = None, user: str = "root", **more: object) -> FirstBoot:
    given = {"network_data": None, "meta_data": {}} | more
    return FirstBoot("edge-1", "uuid-1", KEY, ("ssh-ed25519 BBBB ops",), user,
                     Secret(user_data) if user_data is not None else None, **given)  # type: ignore[arg-type]


def parts(boot_: FirstBoot) -> list[Message]:
    found = message_from_string(render(boot_).user_data.reveal()).get_payload()
    assert isinstance(found, list)
    return [part for part in found if isinstance(part, Message)]


def text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def ours(boot_: FirstBoot) -> dict[str, object]:
    last = text(parts(boot_)[-1])
    assert last.startswith("#cloud-config\n")
    found: dict[str, object] = json.loads(last.partition("\n")[2])
    return found


def test_the_host_key_is_delivered_and_old_ones_deleted() -> None:
    config = ours(boot())
    assert config["ssh_keys"] == {"ed25519_private": KEY.private.reveal(), "ed25519_public": KEY.public}
    assert config["ssh_deletekeys"] is True


def test_root_is_let_in_by_key_only_where_root_is_asked_for() -> None:
    assert ours(boot())["disable_root"] is False
    config = ours(boot(user="ops"))
    assert "disable_root" not in config
    users = config["users"]
    assert isinstance(users, list)
    assert users[0] == "default" and users[1]["name"] == "ops" and users[1]["sudo"] == "ALL=(ALL) NOPASSWD:ALL"


def test_meta_data_names_the_host_and_keeps_the_sites_own() -> None:
    drive = render(boot(meta_data={"rack": "7", "hostname": "wrong"}, network_data={"links": []}))
    assert drive.meta_data == {"rack": "7", "uuid": "uuid-1", "name": "edge-1", "hostname": "edge-1",
                               "public_keys": {"bpa-0": "ssh-ed25519 BBBB ops"}}
    assert drive.network_data == {"links": []}


@pytest.mark.parametrize("user_data", [
    "#cloud-config\nruncmd: [touch /a]\n", "#!/bin/sh\necho hällo\n", "#include\nhttp://x\n", "## template: jinja\n",
])
def test_the_sites_user_data_comes_first_and_unchanged(user_data: str) -> None:
    first, last = parts(boot(user_data))
    assert text(first) == user_data and first.get_content_type() == "text/plain"
    assert last.get_content_type() == "text/cloud-config"


def test_multipart_user_data_of_the_site_is_kept_as_it_is() -> None:
    inner = render(boot("#!/bin/sh\ntrue\n")).user_data.reveal()
    first = parts(boot(inner))[0]
    assert first.is_multipart() and first.as_string().rstrip() == inner.rstrip()


@pytest.mark.parametrize("user_data", ["", "  \n"])
def test_empty_user_data_is_none(user_data: str) -> None:
    assert len(parts(boot(user_data))) == 1


@pytest.mark.parametrize("user_data", ['{"ignition": {}}', "\x1f\x8b\x08"])
def test_what_cannot_be_combined_is_said(user_data: str) -> None:
    with pytest.raises(ValueError, match="combined"):
        render(boot(user_data))


def test_it_is_the_same_every_time_and_prints_no_secret() -> None:
    assert render(boot("#!/bin/sh\n")) == render(boot("#!/bin/sh\n"))
    shown = repr(boot("#!/bin/sh secret\n")) + repr(render(boot("#!/bin/sh secret\n")))
    assert "abc" not in shown and "secret" not in shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_text_survives(user_data: str) -> None:
    user_data = "#!/bin/sh\n" + user_data
    assert text(parts(boot(user_data))[0]) == user_data
