"""Addresses that requests seem to come from, so that what the gateway allows to one address does not stand in the way of a test.

The gateway of a `Scene` takes the loopback interface for a proxy that it trusts.
"""

import itertools
import os

HEADER = "X-Forwarded-For"
# Processes of one run must not share addresses.
_numbers = itertools.count(1)
_network = os.getpid() % 250


def new_address():
    number = next(_numbers)
    return f"10.{_network}.{number // 250 % 250}.{number % 250 + 1}"
