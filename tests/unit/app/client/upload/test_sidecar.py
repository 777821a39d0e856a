from __future__ import annotations

from pathlib import Path

import pytest

from app.client.errors import ClientError
from app.client.upload.sidecar import match_rows, read_sidecar


def write(folder: Path, text: str) -> Path:
    path = folder / "card.csv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        'file,camera,notes\na.mp4,BWC 7,"said, twice"\n\nb.mp4,,\n',
        "\ufefffile;camera;notes\r\na.mp4;BWC 7;said, twice\r\nb.mp4;;\r\n",
        "file\tcamera\tnotes\na.mp4\tBWC 7\tsaid, twice\nb.mp4\n",
        '[{"file": "a.mp4", "camera": "BWC 7", "notes": "said, twice"}, {"file": "b.mp4", "notes": null}]',
    ],
    ids=["CSV", "a spreadsheet's", "tabs", "JSON"],
)
def test_tables_as_people_make_them(tmp_path: Path, text: str) -> None:
    rows = read_sidecar(write(tmp_path, text))
    assert [(row.file, dict(row.details)) for row in rows] == [
        ("a.mp4", {"camera": "BWC 7", "notes": "said, twice"}),
        ("b.mp4", {}),
    ]


def test_numbers_of_json_become_texts(tmp_path: Path) -> None:
    row = read_sidecar(write(tmp_path, '[{"file": "a.mp4", "clock_offset_seconds": -2.5}]'))[0]
    assert row.details == {"clock_offset_seconds": "-2.5"}
    assert row.where == "item 1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("film,camera\n", "row 1: the column 'film' is not known"),
        ("file,sha256\n", "row 1: the column 'sha256' is not known"),
        ("camera\nx\n", "row 1: the column 'file' is missing"),
        ("", "row 1: the column 'file' is missing"),
        ("file,file\n", "row 1: the column 'file' is there twice"),
        ("file,camera\n,x\n", "row 2, column file: it is empty"),
        ("file\na.mp4\nb.mp4\na.mp4\n", "row 4, column file: 'a.mp4' has row 2 already"),
        ("file\na.mp4,b\n", "row 2: it has more values"),
        ('file\n"a.mp4\n', "line 2: unexpected end of data"),
        ("[{]", "is not JSON"),
        ("{}", "must be a JSON list"),
        ("[1]", "item 1: an object"),
        ('[{"camera": "x"}]', "item 1: the column 'file' is missing"),
        ('[{"file": "a.mp4", "camera": ["x"]}]', "item 1, column camera: a text or a number"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ClientError, match=says.replace("[", r"\[")):
        read_sidecar(write(tmp_path, text))


def test_a_table_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "card.csv").write_bytes("file\nÜber.mp4\n".encode("latin-1"))
    with pytest.raises(ClientError, match="save it as 'CSV UTF-8'"):
        read_sidecar(tmp_path / "card.csv")
    with pytest.raises(ClientError, match="cannot be read"):
        read_sidecar(tmp_path / "absent.csv")


def test_rows_find_their_files(tmp_path: Path) -> None:
    names = ("DCIM/1/A.MP4", "DCIM/2/A.MP4", "DCIM/2/B.MP4")
    files = {tmp_path / "card" / name: name for name in names}
    text = "file\nDCIM/1/A.MP4\n2\\A.MP4\nB.MP4\ncard/C.MP4\n"
    found, absent = match_rows(read_sidecar(write(tmp_path, text)), tmp_path, files)
    assert {files[path]: row.where for path, row in found.items()} == {
        "DCIM/1/A.MP4": "row 2",
        "DCIM/2/A.MP4": "row 3",
        "DCIM/2/B.MP4": "row 4",
    }
    assert [row.file for row in absent] == ["card/C.MP4"]
    with pytest.raises(ClientError, match=r"row 2, column file: 'A.MP4' fits 2 files"):
        match_rows(read_sidecar(write(tmp_path, "file\nA.MP4\n")), tmp_path, files)
    with pytest.raises(ClientError, match=r"row 3, column file: 'card/DCIM/2/B.MP4' has row 2 already"):
        match_rows(read_sidecar(write(tmp_path, "file\nB.MP4\ncard/DCIM/2/B.MP4\n")), tmp_path, files)
