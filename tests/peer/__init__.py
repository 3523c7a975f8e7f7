"""The documented API once more, written apart from the mock, and with faults to switch on."""
