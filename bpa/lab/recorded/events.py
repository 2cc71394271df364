"""Events: subscriptions are kept, and what happens goes to open streams (DSP0266, server-sent events)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from bpa.lab.recorded.exchange import Doc, Reply
from bpa.lab.recorded.tree import ROOT

if TYPE_CHECKING:
    from bpa.lab.recorded.machine import Machine

TEXTS = {
    "ResourcePoweredOn": "The resource '{0}' has powered on.",
    "ResourcePoweredOff": "The resource '{0}' has powered off.",
    "ResourceChanged": "One or more resource properties have changed.",
    "TestMessage": "Test message.",
}
KEPT = 1000
PROTOCOLS = ("Redfish", "SNMPv1", "SNMPv2c", "SNMPv3", "SMTP", "SyslogTLS", "SyslogTCP", "SyslogUDP", "SyslogRELP")


class Events:
    """What happened on one machine, and who listens."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.told: list[Doc] = []
        self.listeners: list[Callable[[Doc], None]] = []
        service = machine.store.linked(machine.store.get(ROOT), "EventService") or {}
        uri = service.get("ServerSentEventUri")
        self.uri = machine.store.key(uri) if isinstance(uri, str) else ""

    def tell(self, name: str, origin: str) -> None:
        """Something happened to a resource."""
        number = str(len(self.told) + 1)
        event: Doc = {
            "@odata.type": "#Event.v1_7_0.Event", "Id": number, "Name": "Event Array", "Events": [{
                "EventId": number, "MemberId": "0", "EventType": "Alert", "EventTimestamp": self._machine.time.stamp(),
                "MessageId": f"ResourceEvent.1.2.{name}", "Message": TEXTS.get(name, name).format(origin),
                "MessageArgs": [origin] if "{0}" in TEXTS.get(name, "") else [], "Severity": "OK",
                "MessageSeverity": "OK", "OriginOfCondition": {"@odata.id": origin},
            }],
        }
        self.told.append(event)
        del self.told[:-KEPT]
        for listener in list(self.listeners):
            listener(event)


def subscribe(machine: Machine, collection: str, body: Doc) -> Reply:
    """POST to the collection of subscriptions."""
    for name in ("Destination", "Protocol"):
        if not isinstance(body.get(name), str):
            return machine.say.error("PropertyMissing", name, related=(name,))
    if body["Protocol"] not in PROTOCOLS:
        return machine.say.error("PropertyValueNotInList", body["Protocol"], "Protocol", related=("Protocol",))
    if not re.match(r"https?://|snmp|mailto:|syslog", body["Destination"], re.IGNORECASE):
        return machine.say.error("PropertyValueFormatError", body["Destination"], "Destination", related=("Destination",))
    number = 1 + len(machine.store.members(collection))
    while machine.store.has(path := f"{collection}/{number}"):
        number += 1
    doc: Doc = {
        "@odata.id": path, "@odata.type": "#EventDestination.v1_10_0.EventDestination", "Id": str(number),
        "Name": f"Subscription {number}", "Context": "", "SubscriptionType": "RedfishEvent",
        **{k: v for k, v in body.items() if "@" not in k},
    }
    machine.store.put(path, doc)
    machine.store.join(collection, path)
    return Reply(201, doc, {"Location": machine.location(path)})


def submit_test(machine: Machine, path: str, body: Doc) -> Reply:
    """EventService.SubmitTestEvent."""
    machine.tell("TestMessage", path)
    return machine.done()
