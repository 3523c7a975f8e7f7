"""Holds the correct server to every probe, and shows each fault with one of them."""

import re
from http.client import HTTPException
from pathlib import Path

import pytest

from .app import serve
from .client import Client
from .document import Held
from .faults import FAULTS
from .probes import PROBES
from .probing import Probe

SWITCH = re.compile(r'"([a-z0-9-]+)"\s+(?:not )?in\s+(?:self\._?)?faults')
SHOWN = [(name, probe) for probe in PROBES for name in probe.faults]
SEEN = (AssertionError, HTTPException, LookupError, OSError, StopIteration)
"""What a probe raises: it finds something else, or not what it looks for, or waits in vain."""


def test_faults_and_probes_name_the_same() -> None:
    sources = [path.read_text() for path in Path(__file__).parent.glob("*.py")]
    switched = [name for source in sources for name in SWITCH.findall(source)]
    assert sorted(switched) == sorted(FAULTS)  # each at one place
    assert sorted(name for name, _ in SHOWN) == sorted(FAULTS)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.run.__name__)
def test_correct(probe: Probe) -> None:
    with serve(pace=probe.pace) as url:
        probe.run(Held(url))


@pytest.mark.parametrize(("name", "probe"), SHOWN, ids=[name for name, _ in SHOWN])
def test_fault_shows(name: str, probe: Probe) -> None:
    with serve([name], pace=probe.pace) as url, pytest.raises(SEEN):
        probe.run(Client(url))
