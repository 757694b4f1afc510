#!/usr/bin/env python3
"""Regenerates the seeds in fuzz/corpus/ from the samples, from the workbooks in tests/files, and from this file."""

import json
import pathlib
import struct
import zipfile

FUZZ = pathlib.Path(__file__).parent
ROOT = FUZZ.parent
HEAD_LINES = 12

CSV = {
    "sep": b"sep=;\r\nSKU;Name;Qty\r\nA-1;\"Bolt; \"\"large\"\"\";5\r\n",
    "tabs": b"SKU\tName\tQty\nA-1\tBolt\t5\n\nTotal\t\t5\n",
    "windows-1252": b"SKU;Name;Menge\nA-1;Gr\xf6\xdfe M;5\n",
    "utf-16": "\ufeffSKU,Name,Qty\r\nA-1,Bolt,5\r\n".encode("utf-16-le"),
    "evidence": b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;3,50\nA;Bolt;2;=\"1,5\"\n",
    "extra-values": b"SKU,Name,Qty,Price\nA,Bolt,5,2\nB,Nut,1,250,3.20\nC,Pin,7,1\nD,Cap\n",
    "two-tables": b"SKU,Name,Qty\nA,Bolt,5\nSKU,Qty,Name\nB,7,Nut\n",
    "twins": "SKU,Name,Qty\nA-1,Bolt,5\na-1,Nut,7\nА-2,Pin,1\nA-2,Cap,1\n".encode(),
    "open-quote": b"SKU,Name,Qty\nA,\"Bolt\nB,Nut,1\n",
}
# Whole words of a language, in the legacy encoding of its programs.
LEGACY = {
    "windows-1250": "Śruba Nakrętka Żarówka Łożysko Wąż Podkładka Źródło",
    "windows-1251": "Болт Гайка Шайба Петля Хомут Уплотнитель Кран",
    "windows-1253": "Βίδα Παξιμάδι Ροδέλα Κλειδί Σωλήνας Βαλβίδα Καλώδιο",
    "windows-1254": "Cıvata Çelik Şerit Menteşe Sürgü İngiliz anahtarı",
    "shift_jis": "六角ボルト ナット ワッシャー 蝶番 配管クランプ 工具箱",
    "gb18030": "六角螺栓 螺母 垫圈 管道夹具 球阀 电缆扎带 工具箱",
    "big5": "六角螺栓 螺帽 墊圈 管路夾具 球閥 電纜束帶 工具箱",
    "euc-kr": "육각볼트 너트 와셔 경첩 배관 볼밸브 공구함",
}
SHEETS = {
    "cells": (
        "<worksheet><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='inlineStr'><is><t>Name</t></is></c>"
        "<c t='str'><v>Qty</v></c></row><row r='2' hidden='1'><c r='A2' s='1'><v>17</v></c><c r='B2' t='e'><v>#SPILL!</v></c>"
        "<c r='C2' t='b'><v>1</v></c></row><row><c t='d'><v>2026-10-03</v></c><c><v>1e999</v></c></row></sheetData>"
        "<mergeCells count='1'><mergeCell ref='A1:B1'/></mergeCells></worksheet>",
        "<sst count='1' uniqueCount='1'><si><r><t>SK</t></r><r><t>U</t></r></si></sst>",
        "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='00000'/></numFmts>"
        "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/></cellXfs></styleSheet>",
    ),
    "merged": (
        "<worksheet><sheetData><row r='1'><c r='A1' t='str'><v>SKU</v></c><c r='B1' t='str'><v>Name</v></c>"
        "<c r='C1' t='str'><v>Qty</v></c></row><row r='2'><c r='A2' t='str'><v>A</v></c><c r='B2' t='str'><v>Bolt</v></c>"
        "<c r='C2'><v>6</v></c></row><row r='3'><c r='A3' t='str'><v>B</v></c></row><row r='4'><c r='A4' t='str'>"
        "<v>C</v></c><c r='C4'><v>5</v></c></row></sheetData><mergeCells count='2'><mergeCell ref='B2:B4'/>"
        "<mergeCell ref='C2:C3'/></mergeCells></worksheet>",
    ),
    "bare": ("<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>",),
}


def record(key, name="ObjectCreated:Put", source="aws:s3", **more):
    return {
        "eventSource": source, "eventName": name, "eventTime": "2026-10-03T08:00:00.000Z",
        "s3": {"bucket": {"name": "stock"}, "object": {"key": key, "size": 7, "eTag": "e", **more}},
    }


EVENTS = {
    "put": {"Records": [record("uploads/Q3+stock+%28final%29.xlsx", versionId="v1", sequencer="0055AED6DCD90281E5")]},
    "several": {"Records": [record("a.csv"), record("folder/"), record("%7E%24a.xlsx"), record(".~lock.a.ods%23")]},
    "removed": {"Records": [record("a.csv", "ObjectRemoved:Delete")]},
    "foreign": {"Records": [record("a.csv", source="aws:sns")]},
    "nothing": {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Copy"}]},
    "test": {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "stock"},
    "continue": {"continue": {"load": "0123456789abcdef.2"}},
}
SNIFF = {
    "web-page": b"<!DOCTYPE html><table><tr><th>SKU<th>Qty<tr><td>A<td colspan=2>5</table>",
    "xml-2003": b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>",
    "pdf": b"%PDF-1.7\n",
    "excel-4": b"\x09\x04\x06\x00\0\0\x10\0\0\0",
    "compound": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "zip": b"PK\x05\x06" + bytes(18),
}


def keep(target, name, content):
    folder = FUZZ / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def parts_of(path):
    with zipfile.ZipFile(path) as book:
        existing = set(book.namelist())
        names = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"]
        return b"\0".join(book.read(name) if name in existing else b"" for name in names)


def legacy(encoding, words):
    rows = [f"A-{number};{word};{number}\n" for number, word in enumerate(words.split())]
    return ("SKU;Name;Qty\n" + "".join(rows)).encode(encoding)


def stream_of(path):
    """Returns the records of an xls workbook: the stream "Workbook" of the file."""
    whole = path.read_bytes()
    size = 1 << struct.unpack_from("<H", whole, 30)[0]
    tables, first_entry, most_short, first_short = struct.unpack_from("<2I4x2I", whole, 44)

    def numbers(piece):
        return struct.unpack(f"<{len(piece) // 4}I", piece)

    def sector(number):
        return whole[(number + 1) * size:(number + 2) * size]

    def chain(number, follows, piece_of):
        pieces = []
        while number < 0xFFFFFFFA:
            pieces.append(piece_of(number))
            number = follows[number]
        return b"".join(pieces)

    follows = [number for table in numbers(whole[76:512])[:tables] for number in numbers(sector(table))]
    folder = chain(first_entry, follows, sector)
    entries = [folder[at:at + 128] for at in range(0, len(folder), 128)]
    short = chain(struct.unpack_from("<I", entries[0], 116)[0], follows, sector)
    follows_short = numbers(chain(first_short, follows, sector))
    for entry in entries:
        if entry[:64].decode("utf-16-le").rstrip("\0") == "Workbook":
            start, length = struct.unpack_from("<2I", entry, 116)
            if length < most_short:
                return chain(start, follows_short, lambda number: short[64 * number:64 * number + 64])[:length]
            return chain(start, follows, sector)[:length]
    raise LookupError(f"{path} has no stream Workbook")


def records_of(path):
    """Returns the records before and in the first sheet, without those that the target adds."""
    added = {0x0809, 0x0085, 0x000A}
    stream, at, parts = stream_of(path), 0, [b""]
    while len(parts) < 3:
        kind, length = struct.unpack_from("<2H", stream, at)
        record, at = stream[at:at + 4 + length], at + 4 + length
        if kind not in added:
            parts[-1] += record
        elif kind == 0x000A:
            parts.append(b"")
    return struct.pack("<H", len(parts[0])) + parts[0] + parts[1]


def main():
    head = (ROOT / "sample-data/q3-stock-export.csv").read_bytes().split(b"\n")[:HEAD_LINES]
    keep("csv", "seed-sample", b"\n".join(head) + b"\n")
    keep("csv", "seed-libreoffice", (ROOT / "tests/files/libreoffice.csv").read_bytes())
    for name in ["libreoffice", "openpyxl"]:
        keep("xlsx_rows", f"seed-{name}", parts_of(ROOT / f"tests/files/{name}.xlsx"))
    for name in ["libreoffice", "xlwt"]:
        keep("xls", f"seed-{name}", records_of(ROOT / f"tests/files/{name}.xls"))
    for encoding, words in LEGACY.items():
        keep("csv", f"seed-{encoding}", legacy(encoding, words))
    keep("sniff", "seed-odfpy", (ROOT / "tests/files/odfpy.ods").read_bytes())
    for target, seeds in [("csv", CSV), ("sniff", SNIFF)]:
        for name, content in seeds.items():
            keep(target, f"seed-{name}", content)
    for name, parts in SHEETS.items():
        keep("xlsx_rows", f"seed-{name}", b"\0".join(part.encode() for part in parts))
    for name, event in EVENTS.items():
        keep("event", f"seed-{name}", json.dumps(event).encode())


if __name__ == "__main__":
    main()
