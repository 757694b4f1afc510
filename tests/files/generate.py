"""Regenerates the small spreadsheets in this folder, each with a program or library in real use.

    pip install -r requirements.txt
    python generate.py            # needs LibreOffice (soffice) for some of them

openpyxl.*, xlwt.*, odfpy.*, libreoffice.* and bytes.* hold the same three items, so that one test can read them all.
No free program writes .xlsb, so `biff12.py` writes that one byte by byte. `realistic.py` makes the others. The content
is the same every time, the bytes are not.
"""

import datetime
import pathlib
import shutil
import subprocess
import tempfile
from xml.sax.saxutils import escape

import openpyxl
import xlwt
from odf import opendocument, style, table, text

import biff12
import realistic

FOLDER = pathlib.Path(__file__).parent
HEADER = ["SKU", "Name", "Quantity", "Unit price", "Counted on", "Active"]
DAY = datetime.date(2026, 10, 3)
ROWS = [
    ["A-17", "Bolt, größe 5\"", 12, 19.99, DAY, True],
    ["00123", "Nut & washer", 0, 0.5, DAY, False],
    ["B-1", "Füße\nlang", 1250, 1234.56, DAY, True],
]


def make_openpyxl(path):
    """With a hidden row, a merged title, a hidden sheet and a sparse row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stock"
    sheet["A1"] = "Stock of the third quarter"
    sheet.merge_cells("A1:C1")
    for column, name in enumerate(HEADER, 1):
        sheet.cell(3, column, name)
    for row, values in enumerate(ROWS, 4):
        for column, value in enumerate(values, 1):
            sheet.cell(row, column, value)
    sheet["C5"].number_format = "00000"
    sheet.row_dimensions[5].hidden = True
    sheet["H8"] = "=1/0"
    book.create_sheet("Old").sheet_state = "hidden"
    book.save(path)


def make_xlwt(path):
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Stock")
    as_day = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    sheet.write_merge(0, 0, 0, 2, "Stock of the third quarter")
    for column, name in enumerate(HEADER):
        sheet.write(2, column, name)
    for row, values in enumerate(ROWS, 3):
        for column, value in enumerate(values):
            if isinstance(value, datetime.date):
                sheet.write(row, column, value, as_day)
            else:
                sheet.write(row, column, value)
    sheet.row(4).hidden = True
    old = book.add_sheet("Old")
    old.visibility = 1
    book.save(str(path))


def make_odfpy(path):
    book = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="Stock")

    def row_of(values, **attributes):
        row = table.TableRow(**attributes)
        for value in values:
            if isinstance(value, bool):
                cell = table.TableCell(valuetype="boolean", booleanvalue=str(value).lower())
            elif isinstance(value, datetime.date):
                cell = table.TableCell(valuetype="date", datevalue=value.isoformat())
            elif isinstance(value, (int, float)):
                cell = table.TableCell(valuetype="float", value=str(value))
            elif value is None:
                cell = table.TableCell()
            else:
                cell = table.TableCell(valuetype="string")
                for line in value.split("\n"):
                    cell.addElement(text.P(text=line))
            row.addElement(cell)
        sheet.addElement(row)

    title = table.TableRow()
    cell = table.TableCell(valuetype="string", numbercolumnsspanned=3, numberrowsspanned=1)
    cell.addElement(text.P(text="Stock of the third quarter"))
    title.addElement(cell)
    sheet.addElement(title)
    row_of([None])
    row_of(HEADER)
    row_of(ROWS[0])
    row_of(ROWS[1], visibility="filter")
    row_of(ROWS[2])
    book.spreadsheet.addElement(sheet)
    hidden = style.Style(name="hidden", family="table")
    hidden.addElement(style.TableProperties(display="false"))
    book.automaticstyles.addElement(hidden)
    book.spreadsheet.addElement(table.Table(name="Old", stylename=hidden))
    book.save(str(path))


def make_from_bytes(path):
    cells = {(1, 1): "Stock of the third quarter", (8, 8): biff12.DivisionByZero()}
    for row, values in enumerate([HEADER, *ROWS], 3):
        cells |= {(row, column): value for column, value in enumerate(values, 1)}
    cells[5, 3] = biff12.Formatted(0, "00000")
    stock = biff12.Sheet("Stock", cells, hidden_rows=(5,), merged=(1, 1, 1, 3))
    biff12.write_workbook(path, [stock, biff12.Sheet("Old", hidden=True)])


def make_excel2003(path):
    """As Excel 2003 writes it; by hand, because no library does. With an error in a cell outside the list."""

    def cell_of(value, attributes=""):
        if isinstance(value, bool):
            kind, content = "Boolean", int(value)
        elif isinstance(value, datetime.date):
            kind, content, attributes = "DateTime", f"{value}T00:00:00.000", ' ss:StyleID="day"'
        elif isinstance(value, (int, float)):
            kind, content = "Number", value
        else:
            kind, content = "String", escape(value, {'"': "&quot;", "\n": "&#10;"})
        return f'    <Cell{attributes}><Data ss:Type="{kind}">{content}</Data></Cell>'

    rows = [["   <Row>", cell_of("Stock of the third quarter", ' ss:MergeAcross="2"'), "   </Row>"]]
    rows.append(['   <Row ss:Index="3">', *map(cell_of, HEADER), "   </Row>"])
    for number, values in enumerate(ROWS, 4):
        cells = [cell_of(value) for value in values]
        if number == 5:
            cells[2] = cell_of(values[2], ' ss:StyleID="zeros"')
        rows.append([f'   <Row{" ss:Hidden=" + chr(34) + "1" + chr(34) if number == 5 else ""}>', *cells, "   </Row>"])
    error = '    <Cell ss:Index="8" ss:Formula="=1/0"><Data ss:Type="Error">#DIV/0!</Data></Cell>'
    rows.append(['   <Row ss:Index="8">', error, "   </Row>"])
    lines = "\n".join(line for row in rows for line in row)
    path.write_text(
        f"""<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:x="urn:schemas-microsoft-com:office:excel"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
 <Styles>
  <Style ss:ID="Default" ss:Name="Normal"><NumberFormat/></Style>
  <Style ss:ID="zeros"><NumberFormat ss:Format="00000"/></Style>
  <Style ss:ID="day"><NumberFormat ss:Format="yyyy-mm-dd"/></Style>
 </Styles>
 <Worksheet ss:Name="Stock">
  <Table ss:ExpandedColumnCount="8" ss:ExpandedRowCount="8" x:FullColumns="1" x:FullRows="1">
{lines}
  </Table>
 </Worksheet>
 <Worksheet ss:Name="Old">
  <Table/>
  <WorksheetOptions xmlns="urn:schemas-microsoft-com:office:excel"><Visible>SheetHidden</Visible></WorksheetOptions>
 </Worksheet>
</Workbook>
""",
        encoding="utf-8",
    )


def make_by_libreoffice(source):
    """The same workbook, saved by LibreOffice in each format."""
    for ending, options in [
        ("xlsx", "xlsx:Calc MS Excel 2007 XML"),
        ("xls", "xls:MS Excel 97"),
        ("ods", "ods:calc8"),
        ("csv", "csv:Text - txt - csv (StarCalc):44,34,76"),
        ("html", "html:HTML (StarCalc)"),
    ]:
        convert(source, options, FOLDER / f"libreoffice.{ending}")


def convert(source, options, path):
    with tempfile.TemporaryDirectory() as folder:
        profile = f"-env:UserInstallation=file://{folder}/profile"
        subprocess.run(
            ["soffice", profile, "--headless", "--convert-to", options, "--outdir", folder, str(source)],
            check=True,
            capture_output=True,
        )
        shutil.move(f"{folder}/{source.stem}{path.suffix}", path)


make_openpyxl(FOLDER / "openpyxl.xlsx")
make_xlwt(FOLDER / "xlwt.xls")
make_odfpy(FOLDER / "odfpy.ods")
make_from_bytes(FOLDER / "bytes.xlsb")
make_excel2003(FOLDER / "excel2003.xml")
make_by_libreoffice(FOLDER / "openpyxl.xlsx")
realistic.make_all(FOLDER, convert)
