"""Prints which rows of the sheets of each file have a value, according to readers independent of the loader's.

    .local/tools/check/bin/python3 tests/files/count_rows.py FILE...

One line of JSON for each file: the reader, and the sheets in tab order with the numbers of their rows as a spreadsheet
program shows them. A row counts if at least one of its cells has a value: a number, a boolean, a date, an error, a
text, a formula without a cached result. An empty text is not a value, nor is a border or a note. A text of spaces is.
In particular:

- xlsx: openpyxl returns either formulas or their results, and a missing result as None. Here it returns formulas, so a
  formula whose result is an empty text would count. No file here has any.
- xlsx: cells covered by a merged cell are kept in the file and count. Spaces alone that are not marked as preserved
  (xml:space) are a value to openpyxl but not to the loader or Excel. No file here has any.
- ods: cells covered by a merged cell do not count.
- csv: `=""` is how ERP programs write an empty text. A first line such as `sep=;` is not a row.
- html: spaces on a page are not text, including no-break spaces. Row 1 is the first of the table.
- csv and html have no sheets: the name of the file is given as the sheet's name.
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
WHITESPACE_ELEMENTS = {f"{TEXT}s", f"{TEXT}tab", f"{TEXT}line-break"}


def main(paths):
    for path in map(Path, paths):
        count = choose_reader(path)
        sheets = [{"name": name, "rows": rows} for name, rows in count(path)]
        print(json.dumps({"file": str(path), "reader": count.__name__.removeprefix("count_"), "sheets": sheets}))


def choose_reader(path):
    """Chooses by the file's content, because its extension may be wrong."""
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
    # In read-only mode, because otherwise openpyxl drops the cells covered by merged cells.
    book = openpyxl.load_workbook(path, read_only=True)
    for sheet in book.worksheets:
        # The dimensions recorded in the file may be wrong.
        sheet.reset_dimensions()
        yield sheet.title, numbers(sheet.iter_rows(values_only=True))


def count_xlsb(path):
    with pyxlsb.open_workbook(str(path)) as book:
        for name in book.sheets:
            with book.get_sheet(name) as sheet:
                yield name, numbers([cell.v for cell in row] for row in sheet.rows())


def count_xls(path):
    # By default it prints warnings about slightly irregular files to standard output.
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
    """Yields the rows in order, including those in groups and headers, but not those of a table inside a cell."""
    for child in part:
        if child.tag == f"{TABLE}table-row":
            yield child
        elif child.tag in (f"{TABLE}table-row-group", f"{TABLE}table-header-rows", f"{TABLE}table-rows"):
            yield from rows_of(child)


def has_value_in_ods(cell):
    if cell.get(f"{OFFICE}value-type", "string") != "string":
        return True
    paragraphs = cell.findall(f"{TEXT}p")
    # A space, a tab and a line break within a paragraph are elements; a second paragraph is another line.
    return len(paragraphs) > 1 or any(map(has_characters, paragraphs)) or bool(cell.get(f"{OFFICE}string-value"))


def has_characters(paragraph):
    return any(paragraph.itertext()) or any(part.tag in WHITESPACE_ELEMENTS for part in paragraph.iter())


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
    """Collects the cells of a page with one table, with or without end tags."""

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
    """Returns the numbers of the rows that have a value."""
    return [number for number, row in enumerate(rows, 1) if any(value not in (None, "") for value in row)]


if __name__ == "__main__":
    main(sys.argv[1:])
