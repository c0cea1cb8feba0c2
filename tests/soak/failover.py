"""Failover: what clients see while instances are killed, freeze, flap, feel unwell, are drained, weighted, come and go.

    python -m tests.soak.failover                               three rounds, about four minutes
    python -m tests.soak.failover --rounds 1 --only kill,flap
    python -m tests.soak.failover --sabotage "no retries"       a gateway that must be found out

Three instances are processes that write down each request when its head is there, and again when it is answered, before
anything else: what the kernel lost with a process that was killed stands there as begun, and not as answered. Clients
keep their connections, send at a steady rate whether the gateway keeps up or not, and never send anything twice.

Nothing here is excused by a slow machine. Who was asked *because* of what an operator said is told by cause, not by time:
a request that was sent after the answer to a PATCH. Times that depend on the machine have bars of their own.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final, cast

import attrs
import orjson
import uvloop

from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.process import ROOT, GatewayProcess, quiet_ports
from tests.soak.traffic import Asked, Traffic
