"""Prints for each file which rows of its sheets have a value, as readers of other makers than the loader's see it.

    .local/tools/bin/python3 tests/files/count_rows.py FILE...

One line of JSON for each file: the reader, and each sheet in the order of the tabs with the numbers of its rows as a
spreadsheet program shows them. A row counts if at least one of its cells has a value: a number, a yes or no, a date, an
error, a text, a formula whose result was not kept. A text without a letter is none, nor is a border or a note. A text
of blanks is a value. Where that needs saying once more:

- xlsx: openpyxl tells formulas or their results, and a result that was not kept is told as none. Here it tells
  formulas, so one whose result is a text without a letter would count. No file here has any.
- xlsx: what a merged cell covers is kept in the file and counts. Blanks alone that are not marked as kept (xml:space)
  are a value to openpyxl and none to the loader, nor to Excel. No file here has any.
- ods: what a merged cell covers does not count.
- csv: `=""` is how ERP programs write a text without a letter. A first line such as `sep=;` is no row.
- html: blanks are no text on a page, the ones that do not break included. Row 1 is the table's first.
- csv and html have no sheets: theirs is called like the file.
"""

import csv
import html.parser
import io
import json
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pyxlsb
import xlrd

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
EXCEL2003 = "{urn:schemas-microsoft-com:office:spreadsheet}"
LETTERS = {f"{TEXT}s", f"{TEXT}tab", f"{TEXT}line-break"}


def main(paths):
    for path in map(Path, paths):
        count = choose_reader(path)
        sheets = [{"name": name, "rows": rows} for name, rows in count(path)]
        print(json.dumps({"file": str(path), "reader": count.__name__.removeprefix("count_"), "sheets": sheets}))


def choose_reader(path):
    """By what is in the file: what it is called may be wrong."""
    content = path.read_bytes()
    if content.startswith(b"PK"):
        parts = zipfile.ZipFile(path).namelist()
        if "content.xml" in parts:
            return count_ods
        return count_xlsb if "xl/workbook.bin" in parts else count_xlsx
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return count_xls
    if b"<?mso-application" in content:
        return count_xml2003
    return count_html if content.lstrip().startswith(b"<") else count_csv


def count_xlsx(path):
    # Read at once, and not row by row, openpyxl would leave out what merged cells cover.
    book = openpyxl.load_workbook(path, read_only=True)
    for sheet in book.worksheets:
        # The file's own word for how large the sheet is may be wrong.
        sheet.reset_dimensions()
        yield sheet.title, numbers(sheet.iter_rows(values_only=True))


def count_xlsb(path):
    with pyxlsb.open_workbook(str(path)) as book:
        for name in book.sheets:
            with book.get_sheet(name) as sheet:
                yield name, numbers([cell.v for cell in row] for row in sheet.rows())


def count_xls(path):
    # It has things to say about a file that is a little odd, and it says them on standard output.
    book = xlrd.open_workbook(path, logfile=sys.stderr)
    for sheet in book.sheets():
        rows = map(sheet.row, range(sheet.nrows))
        yield sheet.name, numbers([None if is_blank(cell) else cell.value for cell in row] for row in rows)


def count_xml2003(path):
    for sheet in ElementTree.parse(path).iter(f"{EXCEL2003}Worksheet"):
        number, found = 0, []
        for row in sheet.iter(f"{EXCEL2003}Row"):
            number = int(row.get(f"{EXCEL2003}Index", number + 1))
            if any("".join(data.itertext()) for data in row.iter(f"{EXCEL2003}Data")):
                found.append(number)
        yield sheet.get(f"{EXCEL2003}Name"), found


def is_blank(cell):
    return cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)


def count_ods(path):
    content = ElementTree.fromstring(zipfile.ZipFile(path).read("content.xml"))
    for table in content.findall(f"{OFFICE}body/{OFFICE}spreadsheet/{TABLE}table"):
        rows, number = [], 1
        for row in rows_of(table):
            repeated = int(row.get(f"{TABLE}number-rows-repeated", 1))
            if any(map(has_value_in_ods, row.findall(f"{TABLE}table-cell"))):
                rows.extend(range(number, number + repeated))
            number += repeated
        yield table.get(f"{TABLE}name"), rows


def rows_of(part):
    """The rows in their order, those in groups and headers included, and not those of a table inside a cell."""
    for child in part:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in (f"{TABLE}table-row-group", f"{TABLE}table-header-rows", f"{TABLE}table-rows"):
            yield from rows_of(child)


def has_value_in_ods(cell):
    if cell.get(f"{OFFICE}value-type", "string") != "string":
        return True
    paragraphs = cell.findall(f"{TEXT}p")
    # A blank, a tab and a line break within a paragraph are elements; a second paragraph is another line.
    return len(paragraphs) > 1 or any(map(has_letters, paragraphs)) or bool(cell.get(f"{OFFICE}string-value"))


def has_letters(paragraph):
    return any(paragraph.itertext()) or any(part.tag in LETTERS for part in paragraph.iter())


def count_csv(path):
    text = decode(path.read_bytes())
    if text[:4].lower() == "sep=":
        delimiter, text = text[4], text.split("\n", 1)[1]
    else:
        delimiter = csv.Sniffer().sniff(text, delimiters="\t;|,").delimiter
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    yield path.stem, numbers(["" if cell == '=""' else cell for cell in row] for row in rows)


def count_html(path):
    page = Page()
    page.feed(decode(path.read_bytes()))
    page.close()
    yield path.stem, numbers(page.rows)


class Page(html.parser.HTMLParser):
    """The cells of a page with one table, ends left out or not."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.rows = []
        self.in_cell = False

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.in_cell = tag in ("td", "th") or self.in_cell and tag != "tr"

    def handle_endtag(self, tag):
        self.in_cell &= tag not in ("td", "th", "tr", "table")

    def handle_data(self, text):
        if self.in_cell:
            self.rows[-1][-1] += text.strip()


def decode(content):
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def numbers(rows):
    """Of the rows in which a cell has a value."""
    return [number for number, row in enumerate(rows, 1) if any(value not in (None, "") for value in row)]


if __name__ == "__main__":
    main(sys.argv[1:])
