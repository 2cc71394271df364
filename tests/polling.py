"""Waiting for a real service in a test: a limit on the test, never a statement about time."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryError, Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

T = TypeVar("T")


def until(look: Callable[[], T], accept: Callable[[T], bool], *, seconds: float = 60,
          ignore: type[Exception] | tuple[type[Exception], ...] = ()) -> T:
    """What `look` returns as soon as `accept` takes it; what it raises of `ignore` counts as not yet.

    AssertionError after `seconds`.
    """
    poll = Retrying(stop=stop_after_delay(seconds), wait=wait_fixed(0.05),
                    retry=retry_if_result(lambda value: not accept(value)) | retry_if_exception_type(ignore))
    try:
        return poll(look)
    except RetryError as error:
        last = error.last_attempt
        raise AssertionError(f"not within {seconds} s; last was {last.exception() or last.result()!r}") from None
