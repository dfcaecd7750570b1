"""Who died on this machine is known to be dead; of others nothing is said."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pyoutcome.service.naming import is_dead, own_name


def test_a_living_keeper_is_not_dead_and_names_differ() -> None:
    assert not is_dead(own_name())
    assert own_name() != own_name()


def test_one_that_ended_here_is_dead() -> None:
    code = "from pyoutcome.service.naming import own_name; print(own_name())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_dead(done.stdout.strip())


@pytest.mark.parametrize("name", ["", "elsewhere-1-ab", "unknown-999999999-ab", "-", "x-y-z"])
def test_of_one_elsewhere_nobody_can_tell(name: str) -> None:
    assert not is_dead(name)


def test_a_number_that_no_process_can_have_says_nothing() -> None:
    here = own_name().partition("-")[0]
    assert not is_dead(f"{here}-{10**30}-ab")
    assert not is_dead(f"{here}-{os.getpid()}-other")
