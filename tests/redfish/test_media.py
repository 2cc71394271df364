"""Virtual media: an image goes in and out of every vendor's slots, and what a BMC refuses is mended or told."""

from __future__ import annotations

from typing import Any

import pytest
from media_stub import IMAGE, Box, patience, put, reach, refusal, take, with_media
from stub_bmc import ROOT, Reply, error, serve

from bpa.adapters.errors import Refused, Unreachable
from bpa.adapters.redfish.media.inserting import inserted
from bpa.adapters.redfish.media.ways import Medium
from bpa.core.secret import Secret


@pytest.mark.parametrize(
    ("box", "sent"),
    [
        (Box("CD"), [("POST", {"Image": IMAGE})]),
        (Box("EXT1", way="patch", etag='"a1"'), [("PATCH", {"Image": IMAGE, "Inserted": True, "WriteProtected": True})]),
        (Box("CD", way="oem"), [("POST", {"VmmControlType": "Connect", "Image": IMAGE})]),
        (Box("2", way="hp"), [("POST", {"Image": IMAGE})]),
        (Box("VirtualMedia1", eject_shown_empty=False, slow=2), [("POST", {"Image": IMAGE})]),
    ],
    ids=["standard", "Lenovo", "xFusion", "iLO 4", "Supermicro"],
)
def test_an_image_goes_in_and_out_in_the_way_of_the_bmc(box: Box, sent: list[Any]) -> None:
    done = put(with_media(box))
    assert box.sent == sent
    assert (done.changed, done.slot.inserted, done.slot.image, done.notes) == (True, True, IMAGE, ())
    assert take(with_media(box)) == [box.id]
    assert box.image is None
    assert take(with_media(box)) == [], "what is out stays out"


def test_what_is_in_already_is_not_sent_again_unless_it_shall_be() -> None:
    box = Box("CD", image="http://192.0.2.1/images/live.iso")  # as xFusion echoes it, without the port
    assert put(with_media(box)).changed is False
    assert box.sent == []
    assert put(with_media(box), anew=True).changed is True
    assert [method for method, _ in box.sent] == ["POST", "POST"]


def test_another_image_is_replaced_only_by_force_and_a_free_slot_is_preferred() -> None:
    one, two = Box("1", image="http://192.0.2.9/other.iso"), Box("2")
    assert put(with_media(one, two)).slot.id == "2"
    one, two = Box("1", image="http://192.0.2.9/other.iso"), Box("2", image=None, via="Applet")
    two.image = ""
    with pytest.raises(Refused, match=r"no slot .* is free: 1 holds http://192.0.2.9/other.iso; 2 holds a medium of Applet"):
        put(with_media(one, two))
    assert one.sent == two.sent == []
    assert put(with_media(one, two), slot="1", force=True).slot.id == "1"
    assert [body for _, body in one.sent] == [{}, {"Image": IMAGE}]


def test_what_an_eject_left_written_is_nothing_that_is_in() -> None:
    box = Box("VirtualMedia1", stale=IMAGE)
    assert put(with_media(box)).changed is True


@pytest.mark.parametrize(
    ("refuse", "medium", "last", "note"),
    [
        (lambda b: refusal(400, "Base.1.18.1.ActionParameterMissing", "The action requires a parameter.", "TransferProtocolType")
         if "TransferProtocolType" not in b else None,
         Medium(IMAGE), {"Image": IMAGE, "TransferProtocolType": "HTTP"}, "wants TransferProtocolType: 'HTTP'"),
        (lambda b: refusal(400, "Base.1.0.GeneralError", "TransferMethod is required") if "TransferMethod" not in b else None,
         Medium(IMAGE), {"Image": IMAGE, "TransferMethod": "Stream"}, "wants TransferMethod"),
        (lambda b: refusal(400, "Base.1.8.ActionParameterMissing", "The action requires the parameter UserName to be present. "
                           "The action requires the parameter Password.") if "Password" not in b else None,
         Medium(IMAGE), {"Image": IMAGE, "UserName": "none", "Password": "none"}, "wants UserName"),
        (lambda b: refusal(400, "Base.1.0.GeneralError", "parameter missing") if "Password" not in b else None,
         Medium(IMAGE), {"Image": IMAGE, "UserName": "none", "Password": "none"}, "wants Password"),
        (lambda b: refusal(400, "IDRAC.2.6.SYS458", "the value entered for the parameter is not supported",
                           related=("#/WriteProtected",)) if "WriteProtected" in b else None,
         Medium(IMAGE, write_protected=False), {"Image": IMAGE}, "does not take WriteProtected"),
        (lambda b: refusal(500, "Base.1.5.ActionParameterNotSupported", "The parameter TransferMethod is not supported.")
         if "TransferMethod" in b else None,
         Medium(IMAGE, transfer_method="Upload"), {"Image": IMAGE}, "does not take TransferMethod"),
    ],
    ids=["Cisco", "TransferMethod", "DGX", "DGX, unnamed", "iDRAC", "under a 500"],
)
def test_a_parameter_that_is_missed_or_refused_is_added_or_left_out_and_told(
    refuse: Any, medium: Medium, last: dict[str, Any], note: str
) -> None:
    box = Box("CD", refuses=refuse)
    done = put(with_media(box), medium)
    assert box.sent[-1][1] == last
    assert any(note in said for said in done.notes)
    assert len(box.sent) <= 3


def test_a_patch_that_may_not_say_write_protected_goes_without() -> None:
    box = Box("EXT1", way="patch", refuses=lambda b: (
        refusal(400, "Base.1.6.PropertyNotWritable", "no", "WriteProtected") if "WriteProtected" in b else None
    ))
    put(with_media(box))
    assert [sorted(body) for _, body in box.sent] == [["Image", "Inserted", "WriteProtected"], ["Image", "Inserted"]]


def test_a_bmc_that_never_has_enough_is_asked_a_bounded_number_of_times() -> None:
    box = Box("CD", refuses=lambda b: refusal(
        400, "Base.1.8.ActionParameterMissing", "TransferProtocolType TransferMethod UserName Password Inserted WriteProtected"
    ))
    with pytest.raises(Refused, match="no slot .* took the image"):
        put(with_media(box))
    assert len(box.sent) < 8


def test_given_credentials_are_sent_and_never_exchanged_for_others() -> None:
    box = Box("CD", refuses=lambda b: refusal(400, "X.1.0.AccessDenied", "UserName or Password is wrong"))
    medium = Medium(IMAGE, "share", Secret("s3cret"))
    with pytest.raises(Refused) as refused:
        put(with_media(box), medium)
    assert box.sent == [("POST", {"Image": IMAGE, "UserName": "share", "Password": "s3cret"})]
    assert "s3cret" not in str(refused.value)


def test_a_slot_that_says_no_is_followed_by_the_next_and_the_reasons_are_told() -> None:
    first = Box("0", refuses=lambda b: error(405, "not allowed"))
    second = Box("1", refuses=lambda b: error(400, "only for vKVM"))
    third = Box("2")
    assert put(with_media(first, second, third)).slot.id == "2"
    third.image, third.refuses = None, lambda b: error(400, "nor this")
    with pytest.raises(Refused, match=r"0: .*405.*; 2: .*nor this"):
        put(with_media(first, second, third))


def test_an_image_that_the_bmc_cannot_fetch_is_not_tried_in_every_slot() -> None:
    said = "The remote file location is not accessible or reachable."
    boxes = [Box(str(n), refuses=lambda b: refusal(400, "IDRAC.2.8.RAC0904", said)) for n in range(3)]
    with pytest.raises(Refused, match="remote file location is not accessible"):
        put(with_media(*boxes))
    assert [len(b.sent) for b in boxes] == [1, 0, 0]


def test_what_is_accepted_and_never_happens_is_ejected_and_refused() -> None:
    box = Box("CD", deaf=True)
    with pytest.raises(Refused, match=r"accepted the image and did not insert it within 20 s"):
        put(with_media(box))
    box = Box("CD", slow=99)
    with pytest.raises(Refused, match="did not insert"):
        put(with_media(box))


def test_a_task_that_fails_ends_the_wait_and_what_came_in_is_ejected() -> None:
    box = Box("CD", way="oem")
    task = f"{ROOT}/TaskService/Tasks/7"
    body = {"@odata.id": task, "TaskState": "Running"}
    box.refuses = lambda b: Reply(202, body, {"Location": f"{task}/Monitor"}) if b["VmmControlType"] == "Connect" else None
    stub = with_media(box)
    assert isinstance(stub.resources, dict)
    stub.resources[task.lower()] = {**body, "TaskState": "Exception", "Messages": [{"Message": "no route to the image"}]}
    with pytest.raises(Refused, match="no route to the image"):
        put(stub)


def test_a_bmc_at_work_on_the_last_eject_is_asked_again() -> None:
    answers = [error(500, "internal error"), error(503, "busy", Retry_After="1")]
    box = Box("CD", refuses=lambda b: answers.pop(0) if answers else None)
    assert put(with_media(box)).changed
    assert len(box.sent) == 3


def test_a_bmc_that_falls_silent_while_it_fetches_has_not_refused() -> None:
    box = Box("CD")

    def cut(body: dict[str, Any]) -> Reply | None:
        box.coming = (0, body["Image"])
        return Reply(200, {"x": "y" * 1000}, cut=10)

    box.refuses = cut
    assert put(with_media(box)).changed
    assert len(box.sent) == 1
    lost = Box("CD", refuses=lambda b: Reply(200, {"x": "y" * 1000}, cut=10))
    with pytest.raises(Unreachable):
        put(with_media(lost))
    assert len(lost.sent) == 3
    answers = [Reply(200, {"x": "y" * 1000}, cut=10)]
    again = Box("CD", refuses=lambda b: answers.pop() if answers else None)
    assert put(with_media(again)).changed
    assert len(again.sent) == 2


def test_an_eject_that_fails_of_a_slot_that_is_empty_by_then_has_succeeded() -> None:
    box = Box("CD", image=IMAGE)

    def gone() -> Reply:
        box.image = None
        return error(400, "nothing there")

    class Once(list[Reply]):
        def pop(self, index: Any = -1) -> Reply:
            super().pop(index)
            return gone()

    box.refuses_eject = Once([error(400, "x")])
    assert take(with_media(box)) == ["CD"]


def test_an_eject_that_is_refused_is_told_and_one_that_is_put_off_is_asked_again() -> None:
    box = Box("CD", image=IMAGE, refuses_eject=[error(400, "the console holds it")])
    with pytest.raises(Refused, match="the console holds it"):
        take(with_media(box))
    box = Box("CD", image=IMAGE, refuses_eject=[error(500, "at work"), error(503, "at work")])
    assert take(with_media(box)) == ["CD"]


def test_only_the_named_slot_is_emptied_and_an_unknown_one_is_told() -> None:
    one, two = Box("1", image=IMAGE), Box("2", image=IMAGE)
    assert take(with_media(one, two), "2") == ["2"]
    assert one.image == IMAGE
    with pytest.raises(Refused, match="has no slot CD; it has 1, 2"):
        take(with_media(one, two), "CD")


def test_the_medium_is_out_after_the_block_also_after_a_failure() -> None:
    box = Box("CD")
    stub = with_media(box)
    with serve(stub), reach(stub) as target:
        with inserted(target, Medium(IMAGE), waiting=patience()) as slot:
            assert (slot.id, box.image) == ("CD", IMAGE)
        assert box.image is None
        with pytest.raises(ZeroDivisionError), inserted(target, Medium(IMAGE), waiting=patience()):
            raise ZeroDivisionError
        assert box.image is None
        box.refuses_eject = [error(400, "no")]
        with pytest.raises(ZeroDivisionError), inserted(target, Medium(IMAGE), waiting=patience()):
            raise ZeroDivisionError
