"""What a vendor's firmware does in its own way, as far as clients notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EtagStyle = Literal["strong", "weak", "recorded", "none"]
SuccessStyle = Literal["empty", "extended", "success", "message", "resource"]
Said = tuple[int, str, str]
"""A vendor's own message: HTTP status, MessageId, text."""


@dataclass(frozen=True, slots=True)
class Personality:
    """The defaults are what DMTF's specification asks for (DSP0266).

    vendors: how the tree names the vendor, in lower case. any_case: URIs are found without regard to case.
    etags: how a resource without a recorded one gets its own. if_match: the types of resources of which a PATCH
    without If-Match is 428, "*" for all. success: what a PATCH is answered with; the other two: an action, a DELETE.
    said: what this vendor says instead of a message of the Base registry.
    same_power: a reset to the power that is on already is refused so. powering: PowerState
    tells of the way there (PoweringOn, PoweringOff). post_lock: settings cannot be changed in POST.
    bios_jobs: staged BIOS settings are applied by a job only.
    media_eject_when_in: EjectMedia is announced while media is in. media_keeps_name: ImageName stays after it.
    media_refuses, media_needs: parameters of InsertMedia. media_mirrored: System and Manager show the same slots.
    media_drops_port: the image is shown without its port.
    """

    name: str
    vendors: tuple[str, ...] = ()
    server: str = ""
    any_case: bool = False
    etags: EtagStyle = "strong"
    if_match: tuple[str, ...] = ()
    if_match_status: int = 428
    absolute_location: bool = False
    success: SuccessStyle = "empty"
    post_success: SuccessStyle = "empty"
    delete_success: SuccessStyle = "empty"
    message_type: str = "#Message.v1_1_1.Message"
    message_texts: bool = True
    error_code: str = ""
    error_message: str = "A general error has occurred. See ExtendedInfo for more information."
    base_underscored: bool = False
    max_sessions: int = 16
    session_timeout: int = 1800
    timeout_in_minutes: bool = False
    error_text: Mapping[str, Said] = field(default_factory=dict)
    same_power: Said | None = None
    powering: bool = False
    post_lock: bool = False
    bios_jobs: bool = False
    media_eject_when_in: bool = False
    media_keeps_name: bool = False
    media_refuses: tuple[str, ...] = ()
    media_needs: tuple[str, ...] = ()
    media_mirrored: bool = False
    media_drops_port: bool = False
    registries_gzip_only: bool = False
    content_type: str = "application/json;charset=utf-8"
