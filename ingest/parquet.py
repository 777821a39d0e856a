"""Reads the Parquet files that ingest wrote, keeping nothing of what was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Arrow's own pools keep what was freed for later: a long recording ends with more of it than it needs.
pa.set_memory_pool(pa.system_memory_pool())


def read_whole(path: Path) -> pa.Table:
    """The whole file, read on this thread alone: each of Arrow's own keeps some memory when it is done.

    Raises ValueError for what is not Parquet.
    """
    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False)


def read_groups(path: Path) -> Iterator[pa.Table]:
    """The same, a group of rows at a time."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, use_threads=False)
