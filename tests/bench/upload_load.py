"""Many uploads at once: slow ones that hold on for long, fast ones among them, and how the rest of the API fares.

The clients run in a process of their own, one thread each; the API is asked from this one, before and meanwhile. Memory
is what the serving process has resident, from /proc.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests

from tests.bench.rows import Goal, compare
from tests.bench.wire import create, patch_head, place_of

SLOW, FAST = 64, 20
RATE = 1_000_000  # bytes a second of a slow one
SECONDS = float(os.environ.get("BENCH_SLOW_SECONDS", 20))
FAST_BYTES = int(os.environ.get("BENCH_FAST_BYTES", 64 * 2**20))
PIECE = 50_000
ASK_EVERY = 0.05
BUFFER_MIB = 1  # what one request's bytes pass through


def many_at_once(endpoint: str, pid: int, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Three rows: uploads that arrived, the API's p95, the growth of the server's memory."""
    _ask_for(endpoint, headers, 2.0)  # what is made once is made
    quiet, before = _ask_for(endpoint, headers, 5.0), _resident_mib(pid)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        loading = pool.apply_async(send_all, (endpoint, headers))
        busy, most = [], before
        while not loading.ready():
            busy += _ask_for(endpoint, headers, 0.5)
            most = max(most, _resident_mib(pid))
        arrived = loading.get()
    data = (
        f"{SLOW} uploads at 1 MB/s for {SECONDS:g} s, {FAST} of {FAST_BYTES / 2**20:g} MiB as fast as they go"
    )
    return [
        compare(
            "uploads at once, arrived",
            "uploads",
            [arrived],
            [SLOW + FAST],
            peer_name="uploads begun",
            goal=Goal("≥", 1.0),
            data=data,
        ),
        compare(
            "API during uploads, p95",
            "ms",
            [_p95_ms(busy)],
            [_p95_ms(quiet)],
            peer_name="the same requests before",
            goal=Goal("<", 100, "ms"),
            data=f"the list of uploads, asked {len(busy)} times; {data}",
        ),
        compare(
            "server memory for uploads at once",
            "MiB",
            [max(most - before, 0.1)],
            [(SLOW + FAST) * BUFFER_MIB],
            peer_name="one buffer of 1 MiB each",
            goal=Goal("≤", 2.0),
            data=data,
        ),
    ]


def send_all(endpoint: str, headers: dict[str, str]) -> int:
    """Every client's upload, all begun at once; how many were answered 204."""
    together = threading.Barrier(SLOW + FAST)
    sizes = [(int(SECONDS * RATE), RATE)] * SLOW + [(FAST_BYTES, 0)] * FAST
    paths = [create(endpoint, size, headers) for size, _ in sizes]

    def send(path: str, size: int, rate: int) -> bool:
        together.wait(60)
        return _send(endpoint, path, size, rate, headers)

    with ThreadPoolExecutor(SLOW + FAST) as pool:
        sent = [pool.submit(send, path, *kind) for path, kind in zip(paths, sizes, strict=True)]
        return sum(one.result() for one in sent)


def _send(endpoint: str, path: str, size: int, rate: int, headers: dict[str, str]) -> bool:
    """One PATCH of `size` bytes, at `rate` bytes a second (0: as fast as they go); whether it was answered 204."""
    piece = os.urandom(PIECE if rate else 2**20)
    started, sent = time.monotonic(), 0
    try:
        with socket.create_connection(place_of(endpoint), timeout=90) as sock:
            sock.sendall(patch_head(endpoint, path, size, headers))
            while sent < size:
                part = piece[: size - sent]
                sock.sendall(part)
                sent += len(part)
                if rate:
                    time.sleep(max(0.0, started + sent / rate - time.monotonic()))
            return sock.recv(65536).startswith(b"HTTP/1.1 204")
    except OSError:
        return False


def _ask_for(endpoint: str, headers: dict[str, str], seconds: float) -> list[float]:
    """Seconds that each request took, asked one after another for so long. A refusal is an error."""
    taken, until = [], time.monotonic() + seconds
    with requests.Session() as session:
        while time.monotonic() < until:
            started = time.perf_counter()
            session.get(f"{endpoint}?limit=20", headers=headers, timeout=60).raise_for_status()
            taken.append(time.perf_counter() - started)
            time.sleep(ASK_EVERY)
    return taken


def _p95_ms(taken: list[float]) -> float:
    return 1000 * float(np.percentile(taken, 95))


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
