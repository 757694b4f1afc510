"""Writes a binary Excel workbook (.xlsb) record by record, because no free program writes that format.

It contains only what is needed to read cells: no fonts, no colours, no theme. Excel itself writes much more.
"""

import datetime
import struct
import zipfile
from dataclasses import dataclass, field

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CONTENT = "application/vnd.ms-excel"
# The first number for formats that a workbook defines itself.
FIRST_OWN_FORMAT = 164


@dataclass
class DivisionByZero:
    """The formula =1/0 with its result."""


@dataclass
class Formatted:
    """A number with a format."""

    number: float
    code: str


@dataclass
class Sheet:
    name: str
    # By row and column, both counted from 1.
    cells: dict = field(default_factory=dict)
    hidden: bool = False
    hidden_rows: tuple = ()
    # First and last row, first and last column, counted from 1.
    merged: tuple = ()


def write_workbook(path, sheets):
    texts, codes = [], []
    parts = {f"xl/worksheets/sheet{i}.bin": sheet_part(sheet, texts, codes) for i, sheet in enumerate(sheets, 1)}
    parts["xl/workbook.bin"] = workbook_part(sheets)
    parts["xl/styles.bin"] = styles_part(codes)
    parts["xl/sharedStrings.bin"] = b"".join(
        [record(0x9F, longs(len(texts), len(texts))), *[record(0x13, b"\0" + text(t)) for t in texts], record(0xA0)]
    )
    worksheets = [("worksheet", f"worksheets/sheet{i}.bin") for i in range(1, len(sheets) + 1)]
    others = [("styles", "styles.bin"), ("sharedStrings", "sharedStrings.bin")]
    parts["xl/_rels/workbook.bin.rels"] = relations(worksheets + others)
    parts["_rels/.rels"] = relations([("officeDocument", "xl/workbook.bin")])
    kinds = {target: kind for kind, target in worksheets + others}
    kinds["workbook.bin"] = "sheet.binary.macroEnabled.main"
    types = "".join(f'<Override PartName="/xl/{p}" ContentType="{CONTENT}.{kind}"/>' for p, kind in kinds.items())
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="bin" ContentType="{CONTENT}.sheet.binary"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{types}</Types>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name in sorted(parts):
            package.writestr(zipfile.ZipInfo(name), parts[name], zipfile.ZIP_DEFLATED)


def workbook_part(sheets):
    tabs = [
        record(0x9C, longs(int(sheet.hidden), i) + text(f"rId{i}") + text(sheet.name))  # BrtBundleSh
        for i, sheet in enumerate(sheets, 1)
    ]
    properties = record(0x99, longs(0, 0) + text(""))
    return b"".join([record(0x83), properties, record(0x8F), *tabs, record(0x90), record(0x84)])


def sheet_part(sheet, texts, codes):
    rows = sorted({row for row, _ in sheet.cells}) or [1]
    columns = sorted({column for _, column in sheet.cells}) or [1]
    size = longs(rows[0] - 1, rows[-1] - 1, columns[0] - 1, columns[-1] - 1)
    out = [record(0x81), record(0x94, size), record(0x91)]
    for row in rows if sheet.cells else []:
        # BrtRowHdr: row, style, height in twentieths of a point, flags, no spans.
        flags = [0, 0x10 if row in sheet.hidden_rows else 0, 0]
        out.append(record(0x00, longs(row - 1, 0) + struct.pack("<H3BI", 300, *flags, 0)))
        for column in columns:
            if (row, column) in sheet.cells:
                out.append(cell(column, sheet.cells[row, column], texts, codes))
    out.append(record(0x92))
    if sheet.merged:
        place = longs(*[number - 1 for number in sheet.merged])
        out += [record(0xB1, longs(1)), record(0xB0, place), record(0xB2)]
    return b"".join([*out, record(0x82)])


def cell(column, value, texts, codes):
    style = 0
    if isinstance(value, datetime.date):
        value = Formatted((value - datetime.date(1899, 12, 30)).days, "yyyy-mm-dd")
    if isinstance(value, Formatted):
        if value.code not in codes:
            codes.append(value.code)
        style, value = codes.index(value.code) + 1, value.number
    if isinstance(value, DivisionByZero):
        formula = b"\x1e\x01\x00\x1e\x00\x00\x06"
        kind, body = 0x0B, struct.pack("<BHI", 7, 0, len(formula)) + formula + longs(0)
    elif isinstance(value, bool):
        kind, body = 0x04, bytes([value])
    elif isinstance(value, int):
        kind, body = 0x02, longs(value << 2 | 2)
    elif isinstance(value, float):
        kind, body = 0x05, struct.pack("<d", value)
    else:
        if value not in texts:
            texts.append(value)
        kind, body = 0x07, longs(texts.index(value))
    return record(kind, longs(column - 1, style) + body)


def styles_part(codes):
    formats = [record(0x2C, struct.pack("<H", FIRST_OWN_FORMAT + i) + text(code)) for i, code in enumerate(codes)]
    numbers = [0, *range(FIRST_OWN_FORMAT, FIRST_OWN_FORMAT + len(codes))]
    xf = struct.Struct("<5H2B2H")  # BrtXF: parent, format, font, fill, border; the rest is appearance
    cells = [record(0x2F, xf.pack(0, number, 0, 0, 0, 0, 0, 0, 1)) for number in numbers]
    return b"".join(
        [record(0x116), record(0x267, longs(len(codes))), *formats, record(0x268)]
        + [record(0x272, longs(1)), record(0x2F, xf.pack(0xFFFF, 0, 0, 0, 0, 0, 0, 0, 0)), record(0x273)]
        + [record(0x269, longs(len(cells))), *cells, record(0x26A), record(0x117)]
    )


def relations(targets):
    each = "".join(
        f'<Relationship Id="rId{i}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{each}</Relationships>'


def record(kind, body=b""):
    """Encodes a record. Its kind and length are written in groups of seven bits, the lowest first."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length = len(body)
    while length > 0x7F:
        head, length = head + bytes([length & 0x7F | 0x80]), length >> 7
    return head + bytes([length]) + body


def text(string):
    return longs(len(string.encode("utf-16-le")) // 2) + string.encode("utf-16-le")


def longs(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)
