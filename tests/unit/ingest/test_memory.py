"""Memory does not follow the length of a recording: what is counted is bytes held, never time."""

from __future__ import annotations

import tracemalloc
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest import samples
from ingest.errors import Unexplained
from ingest.fingerprint import SIDE
from ingest.framehash import Decoded, read_framehash
from ingest.frames import Ledger, make_ledger
from ingest.packets import Packets
from ingest.samples import FINGERPRINT_NAME, SAMPLES_NAME, Taking, join_chunks, read_samples, write_chunk
from ingest.waveform import read_waveform, write_waveform

RATE = Fraction(2)


def peak(work: Callable[[], object]) -> int:
    """Bytes that Python, NumPy and Arrow held at most while `work` ran, beyond those of before."""
    work()  # what is loaded once is no part of it
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] + int(counted.max_memory() or 0)
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)


def decoded(count: int) -> Decoded:
    """Two frames a second, all of which are sampled."""
    pts = np.arange(count, dtype=np.int64)
    return Decoded(1 / RATE, pts, 1, np.zeros((count, 16), np.uint8), np.ones(count, dtype=np.bool_))


def written(folder: Path, count: int) -> Path:
    """A chunk of so many noisy pictures."""
    folder.mkdir()
    raw = folder / "samples.rgb"
    random = np.random.default_rng(7)
    with raw.open("wb") as out:
        for _ in range(count):
            out.write(random.bytes(SIDE * SIDE * 3))
    write_chunk(raw, folder, decoded(count), 0, Taking(0, None, RATE, 0.5))
    return folder


def test_joining_chunks_holds_one_at_a_time(tmp_path: Path) -> None:
    part = written(tmp_path / "part", 12)
    few, many = (peak(lambda n=n: join_chunks([part] * n, [12] * n, tmp_path)) for n in (3, 30))
    assert len(list(read_samples(tmp_path / SAMPLES_NAME))) == 360
    assert many < 1.1 * few + 20_000


def test_a_chunk_that_could_not_be_cut_is_written_and_joined_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = written(tmp_path / "whole", 120)
    monkeypatch.setattr(samples, "_PICTURES", 8)
    few, many = (peak_of_writing(tmp_path / str(count), count) for count in (40, 120))
    assert many < 1.1 * few
    assert pq.ParquetFile(tmp_path / "120" / SAMPLES_NAME).num_row_groups == 15
    # what an earlier version kept in one piece is joined to the same bytes
    join_chunks([tmp_path / "120"], [120], tmp_path)
    joined = (tmp_path / SAMPLES_NAME).read_bytes()
    join_chunks([whole], [120], tmp_path)
    assert (tmp_path / SAMPLES_NAME).read_bytes() == joined
    assert pq.read_table(whole / SAMPLES_NAME).equals(pq.read_table(tmp_path / SAMPLES_NAME))


def peak_of_writing(folder: Path, count: int) -> int:
    written(folder, count)
    taking = Taking(0, None, RATE, 0.5)
    return peak(lambda: write_chunk(folder / "samples.rgb", folder, decoded(count), 0, taking))


def test_a_chunk_without_samples_joins(tmp_path: Path) -> None:
    part, none = written(tmp_path / "part", 3), tmp_path / "none"
    none.mkdir()
    for name in (SAMPLES_NAME, FINGERPRINT_NAME):
        pq.write_table(pq.read_table(part / name).slice(0, 0), none / name, compression="none")
    join_chunks([part, none, part], [3, 0, 3], tmp_path)
    assert [ordinal for ordinal, _, _ in read_samples(tmp_path / SAMPLES_NAME)] == [0, 1, 2, 3, 4, 5]


def test_a_ledger_takes_a_hundred_bytes_a_frame(tmp_path: Path) -> None:
    def ledger(count: int) -> Callable[[], object]:
        text = tmp_path / f"{count}.txt"
        rows = "".join(f"0, {n}, {n}, 1, 28800, {n:032x}\n" for n in range(count))
        text.write_text("#tb 0: 1/25\n" + rows)
        pts, key = np.arange(count, dtype=np.int64), np.arange(count) % 25 == 0
        packets = Packets(count, Fraction(1, 25), pts, key, key)

        def work() -> Ledger:
            make_ledger([read_framehash(text)], packets).write(tmp_path / "ledger.parquet")
            return Ledger.read(tmp_path / "ledger.parquet")

        return work

    few, many = 10_000, 110_000
    assert (peak(ledger(many)) - peak(ledger(few))) / (many - few) < 125


def test_a_waveform_takes_a_few_bytes_a_pixel(tmp_path: Path) -> None:
    def drawn(seconds: int) -> Callable[[], object]:
        pcm = tmp_path / f"{seconds}.wav"
        with wave.open(str(pcm), "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            sound.writeframes(np.random.default_rng(7).bytes(2 * 16_000 * seconds))

        def work() -> object:
            write_waveform(pcm, tmp_path / "waveform.json")
            return read_waveform(tmp_path / "waveform.json")

        return work

    few, many = 120, 480
    assert (peak(drawn(many)) - peak(drawn(few))) / (100 * (many - few)) < 20


@pytest.mark.parametrize("due", [2, 4])
def test_other_pictures_than_were_due_are_never_passed_over(tmp_path: Path, due: int) -> None:
    part = written(tmp_path / "part", 3)
    with pytest.raises(Unexplained, match=f"3 pictures were taken where {due} were due"):
        write_chunk(part / "samples.rgb", part, decoded(due), 0, Taking(0, None, RATE, 0.5))
