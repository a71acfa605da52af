"""`POST /v1/telemetry` at a real server: every encoding, every refusal, and an answer only when it is durable."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from tests.ingest.gateway import line
from tests.servers import certificates
from tests.waiting import until
