#!/usr/bin/env python3
"""Makes the seeds of fuzz/corpus/ anew: heads of the samples, parts of the workbooks in tests/files, and what is written here."""

import json
import pathlib
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
    "open-quote": b"SKU,Name,Qty\nA,\"Bolt\nB,Nut,1\n",
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
        there = set(book.namelist())
        names = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"]
        return b"\0".join(book.read(name) if name in there else b"" for name in names)


def main():
    head = (ROOT / "sample-data/q3-stock-export.csv").read_bytes().split(b"\n")[:HEAD_LINES]
    keep("csv", "seed-sample", b"\n".join(head) + b"\n")
    keep("csv", "seed-libreoffice", (ROOT / "tests/files/libreoffice.csv").read_bytes())
    for name in ["libreoffice", "openpyxl"]:
        keep("xlsx_rows", f"seed-{name}", parts_of(ROOT / f"tests/files/{name}.xlsx"))
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
