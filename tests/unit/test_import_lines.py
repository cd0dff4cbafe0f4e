"""Files are read record by record, and what cannot be read is told apart."""

import io
from typing import Any

import pytest

from engine.errors import InvalidInput
from engine.flow.imports import lines
from engine.flow.imports.lines import Place, Record, format_of, records


def read(content: bytes, kind: Any, start: Place = lines.START) -> list[Record]:
    return list(records(io.BytesIO(content), kind, start))


def test_json_lines_with_every_kind_of_fault() -> None:
    content = b"\n".join(
        [
            b'\xef\xbb\xbf{"a": 1}\r',
            b"",
            b'{"a": ',
            b"[1]",
            b'{"a": "\xff"}',
            b'{"a": "\x00"}',
            b'{"a": 2}',
        ]
    )
    found = read(content, "jsonl")
    assert [(record.line, record.data) for record in found if record.fault is None] == [
        (1, {"a": 1}),
        (7, {"a": 2}),
    ]
    faults = {record.line: record.fault for record in found if record.fault}
    assert faults.keys() == {3, 4, 5, 6}
    assert "not JSON" in str(faults[3])
    assert "one JSON object" in str(faults[4])
    assert "UTF-8" in str(faults[5])
    assert "NUL" in str(faults[6])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
def test_csv_of_spreadsheets(ending: bytes, delimiter: bytes) -> None:
    rows = [b'id|"first|name"', b'1|"Zo\xc3\xa9 ""Z"" |"', b"", b"2|Ann"]
    header = b"id|name"
    content = b"\xef\xbb\xbf" + ending.join([header, *rows[1:]]).replace(b"|", delimiter) + ending
    found = read(content, "csv")
    assert [record.fault for record in found] == [None, None]
    assert [record.line for record in found] == [2, 4]
    assert found[0].data["id"] == "1"
    assert found[0].data["name"] == f'Zoé "Z" {delimiter.decode()}'
    assert found[1].data == {"id": "2", "name": "Ann"}


def test_a_row_may_span_lines() -> None:
    found = read(b'id,note\n1,"two\nlines"\n2,one\n', "csv")
    assert [(record.line, record.last) for record in found] == [(2, 3), (4, 4)]
    assert found[0].data["note"] == "two\nlines"


def test_a_quotation_mark_that_is_not_closed_costs_its_own_line_alone() -> None:
    content = b'id,note\n1,"open\n' + b"".join(b"%d,fine\n" % n for n in range(2, 50_000))
    found = read(content, "csv")
    assert [record.line for record in found if record.fault] == [2]
    assert "not closed" in str(found[0].fault)
    assert len(found) == 49_999


def test_rows_that_do_not_fit_the_header() -> None:
    found = read(b'id,name\n1\n2,b,c\n"3"x,d\n4,\x00\n5,\xff\n6,f\n', "csv")
    assert [record.line for record in found if record.fault is None] == [7]
    assert {record.line for record in found if record.fault} == {2, 3, 4, 5, 6}
    assert found[0].fault == "the row has 1 fields, the header 2"


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_huge_line_is_rejected_and_not_held_in_memory(kind: str) -> None:
    huge = b"x" * (lines.LONGEST * 3)
    head = b"id\n" if kind == "csv" else b""
    good = b"7\n" if kind == "csv" else b'{"id": 7}\n'
    found = read(head + huge + b"\n" + good, kind)
    assert [bool(record.fault) for record in found] == [True, False]
    assert "longer than" in str(found[0].fault)
    assert len(found[0].text) < 10_000
    assert str(found[1].data["id"]) == "7"


def test_reading_goes_on_after_any_record() -> None:
    json = b'{"a": 1}\n{"a": \n{"a": 3}\n'
    table = b'a,b\n1,"x\ny"\n2,\n3,z\n'
    for content, kind in ((json, "jsonl"), (table, "csv")):
        whole = read(content, kind)
        for n, record in enumerate(whole):
            rest = read(content, kind, Place(offset=record.end, line=record.last))
            assert rest == whole[n + 1 :]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"id,,name\n", "name every column"),
        (b"id,id\n", "twice: id"),
        (b"id,\xff\n", "UTF-8"),
        ("id,name\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_table_without_a_good_header_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read(content, "csv")


def test_the_name_tells_the_format(tmp_path: Any) -> None:
    assert format_of(tmp_path / "x.JSONL") == "jsonl"
    assert format_of(tmp_path / "x.csv") == "csv"
    assert format_of(tmp_path / "x.data", "csv") == "csv"
    with pytest.raises(InvalidInput, match="--format"):
        format_of(tmp_path / "x.data")
    with pytest.raises(InvalidInput, match="no format"):
        format_of(tmp_path / "x.csv", "xml")
