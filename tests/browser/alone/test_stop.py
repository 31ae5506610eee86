"""How long Stop takes: by the interrupt buffer where the page is isolated, by a new worker where it is not."""

import time

import pytest

from ..reader import Reader
from ..stopping import other_exercise, pass_one, stop_after_a_while, usable_again


def test_stop_takes_a_moment_where_isolated(reader):
    pass_one(reader)
    assert stop_after_a_while(reader, other_exercise()) < 1.0
    usable_again(reader, other_exercise())


def test_stop_takes_a_new_start_where_not_isolated(new_context, server):
    reader = Reader(new_context(service_workers="block").new_page(), server.url).open("01")
    pass_one(reader)
    assert not reader.page.evaluate("crossOriginIsolated")
    seconds = stop_after_a_while(reader, other_exercise())
    reader.until_python("ready")
    assert seconds < 6.0
    usable_again(reader, other_exercise())


def test_a_spare_makes_stop_quick_where_not_isolated(new_context, server):
    reader = Reader(new_context(service_workers="block").new_page(), server.url).open("01")
    if reader.page.evaluate("navigator.deviceMemory") < 4:
        pytest.skip("this browser says that it has too little memory for a spare Python")
    pass_one(reader)
    for _ in range(2):  # each spare that is used is replaced
        reader.until_spare()
        seconds = stop_after_a_while(reader, other_exercise())
        rest = time.monotonic()
        reader.until_python("ready")
        assert seconds + time.monotonic() - rest < 2.0
        usable_again(reader, other_exercise())
