"""kill -9 at random points, some of them between the login and the note of where the session is."""

from __future__ import annotations

import pytest
from kill_sessions import run


@pytest.mark.parametrize("pairs", [False, True], ids=["one after the other", "two at a time"])
def test_no_session_is_left_and_none_of_others_is_closed(pairs: bool) -> None:
    result = run(40, 16, seed=7, pairs=pairs)
    assert (result.left, result.foreign_closed) == (0, 0), result
    assert result.lost > 0, "no kill fell where it matters"
    assert result.most_open <= 3 + 16 + 2


def test_where_a_bmc_does_not_tell_times_still_nobody_elses_session_is_closed() -> None:
    result = run(20, 8, seed=7, times=False)
    assert result.foreign_closed == 0
    assert result.left <= result.lost, "only those whose path was never told"
