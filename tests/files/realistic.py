"""Makes realistic lists: exports and workbooks kept by hand, with everything that surrounds the items in them.

The goods are made up. The docstring of each function says what its file is for.
"""

import datetime
import pathlib
import tempfile

import openpyxl
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from odf import office, table, text
from odf.opendocument import OpenDocumentSpreadsheet

DAY = datetime.date(2026, 9, 30)


def make_all(folder, convert):
    make_odoo_groups(folder / "odoo-groups.xlsx")
    make_paged_report(folder / "paged-report.xlsx")
    make_german_erp(folder / "german-erp.csv")
    make_unicode_text(folder / "unicode-text.tsv")
    make_erp_table(folder / "erp-table.xls")
    make_repeats(folder / "odfpy-repeats.ods")
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch) / "source.xlsx"
        make_old_book(source)
        convert(source, "xls:MS Excel 97", folder / "libreoffice-sheets.xls")


def make_odoo_groups(path):
    """An export of a grouped list: each group has a row of its own with its totals, above its members."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    sheet.append(["Internal Reference", "Name", "Quantity On Hand", "Forecasted Quantity", "Sales Price"])
    groups = {
        "Furniture": {
            "Chairs": [
                ("FURN_7777", "Office Chair", 25.0, 28.0, 70.0),
                ("FURN_0269", "Swivel Chair", 4.0, 4.0, 120.5),
            ],
            "Desks": [
                ("FURN_0096", "Customizable Desk", 45.0, 60.0, 750.0),
                ("FURN_7800", "Desk Combination", 0.0, 7.0, 450.0),
            ],
        },
        "Consumables": {
            "": [
                ("E-COM11", "Cabinet Bin", 22.0, 22.0, 14.0),
                ("E-COM12", "Box of 100 Screws", 300.0, 260.0, 9.9),
            ],
        },
    }
    for group, parts in groups.items():
        everything = [item for items in parts.values() for item in items]
        sheet.append([f"All / {group} ({len(everything)})", None, sum_of(everything, 2), sum_of(everything, 3)])
        for part, items in parts.items():
            if part:
                sheet.append([f"    All / {group} / {part} ({len(items)})", None, sum_of(items, 2), sum_of(items, 3)])
            for item in items:
                sheet.append(item)
    # Odoo stores every quantity as a float.
    for row in sheet.iter_rows(min_row=2, min_col=3):
        for cell in row:
            cell.number_format = "#,##0.00"
    book.save(path)


def sum_of(items, place):
    return sum(item[place] for item in items)


def make_paged_report(path):
    """A printed report: a header of two rows, repeated on each page, subtotals, notes, and rows without a value."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Count sheet"
    sheet["A1"] = "Rivet & Sons Ltd"
    sheet["G1"] = "Page 1 of 2"
    sheet["A2"] = "Stock count, third quarter"
    sheet.merge_cells("A2:D2")
    upper = ["Article", None, "Stock", "Unit", "Last"]
    lower = ["no", "Description", "quantity", "price", "counted"]
    pages = [
        [
            ("RV-100", "Blind rivet 4 x 8", 5200, 0.03),
            ("RV-101", "Blind rivet 4 x 12", 0, 0.04),
            ("RV-140", "Rivet nut M5", 760, 0.19),
        ],
        [("WS-010", "Sealing washer 5.5", 14000, 0.02), ("WS-011", "Spring washer M6", 90, 0.01)],
    ]
    row = 4
    for number, items in enumerate(pages, 1):
        if number > 1:
            sheet.cell(row, 7, f"Page {number} of {len(pages)}")
            row += 2
        for cells in (upper, lower):
            write(sheet, row, cells)
            row += 1
        for item in items:
            write(sheet, row, [*item, DAY])
            row += 1
        write(sheet, row, [None, "Subtotal", sum_of(items, 2)])
        # A row with nothing but two formulas that have no cached result.
        sheet.cell(row + 1, 3, f"=SUM(C4:C{row})")
        sheet.cell(row + 1, 4, f"=AVERAGE(D4:D{row})")
        row += 3
    # A row with no-break spaces, one with an empty text, one that only has a colour, and one that only has a note.
    sheet.cell(row, 2, "\u00a0 ")
    sheet.cell(row + 1, 2, "")
    sheet.cell(row + 2, 2).fill = PatternFill("solid", fgColor="FFFF00")
    sheet.cell(row + 3, 2).comment = Comment("Check the shelf behind the door.", "Ann")
    row += 5
    write(sheet, row, ["Counted by:", None, "Ann Rivet"])
    sheet.cell(row + 1, 1, "Prices are without tax.").font = Font(italic=True)
    sheet.row_dimensions[row + 1].hidden = True
    sheet.cell(1_000, 9).fill = PatternFill("solid", fgColor="FFFFFF")
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=3, min_row=6, max_row=8))
    book.create_chartsheet("Chart", 0).add_chart(chart)
    notes = book.create_sheet("Read me")
    notes["B3"] = "Yellow: to be counted again"
    notes["B7"] = datetime.time(7, 30)
    book.save(path)


def write(sheet, row, values):
    for column, value in enumerate(values, 1):
        if value is not None:
            sheet.cell(row, column, value)


def make_german_erp(path):
    """An export in Windows-1252 with semicolons, decimal commas and item numbers protected from Excel by `="..."`."""
    rows = [
        "sep=;",
        "Lagerbestand der Küstner & Söhne KG;;;;;",
        ";;;;;",
        "Artikelnummer;Bezeichnung;Lagerort;Lagerbestand;Einzelpreis;Letzte Bewegung",
        '="00123";Sechskantschraube M8 × 40;Halle 2;1.250.000;0,07;30.09.2026',
        '="00124";"Dübel ""Größe 8""; grau";Halle 2;12.400;0,12;30.09.2026',
        '="00131";"Gewindestange M6\r\n(1 m, verzinkt)";Hof;75;2,49;29.09.2026',
        "",
        '="";"";;;;',
        ' ;" ";;;;',
        '="00140";Schutzbrille – klar;Büro;18;11,95 €;',
        "Summe;;;1.262.493;;",
        "",
        "",
        '"Stand: 30.09.2026, 17:05 Uhr"',
    ]
    path.write_bytes("\r\n".join(rows).encode("cp1252"))


def make_unicode_text(path):
    """What Excel saves as "Unicode Text": UTF-16 with a byte order mark, separated by tabs, quoted where necessary."""
    rows = [
        "SKU\tProduct name\tCategory\tOn hand\tPrice\tReorder level",
        '0400\t"Ratchet ""Pro"", ½"""\tTools\t34\t€ 19.99\t10',
        "0401\tСверло по металлу 5 мм\tTools\t210\t€ 1.20\t40",
        "0402\t六角扳手\tTools\t8\t€ 3.75\t",
        "\t\t\t\t\t",
        '0403\t"Tape measure\n5 m, 🟡"\tTools\t65\t€ 6.50\t20',
        "",
        "\t\t\t317",
        "\tTotal\t\t317\t\t",
    ]
    path.write_bytes(b"\xff\xfe" + "\r\n".join(rows).encode("utf-16-le") + "\r\n".encode("utf-16-le"))


def make_erp_table(path):
    """A web page that an ERP program names .xls so that Excel opens it, in Windows-1252, with end tags left out."""
    page = """<html xmlns:x="urn:schemas-microsoft-com:office:excel">
<head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">
<style>td { mso-number-format: "\\@" }</style></head>
<body><!-- report ZMM_STOCK, <table> follows -->
<table border=1 cellspacing=0>
<tr><td colspan="1"><b>Stock &uuml;berall &ndash; plant 1000</b><td>
<TR><TD>&nbsp;</TD><TD> </TD><TD></TD><TD></TD></TR>
<tr><th>Material</th><th>Material description</th><th>SLoc</th><th>Unrestricted</th></tr>
<tr><td>000000100-100</td><td>Pumpe f&#252;r Öl &amp; Wasser</td><td>0001</td><td>12</td></tr>
<tr><td>000000100-110<td>Dichtung<br>(Satz)<td>0001<td>150
<tr>
<tr><td>000000100-120</td><td>Schlauch &lt; 2 m</td><td>0002</td><td><font color="red">0</font></td></tr>
<tr><td>&#160;</td><td>&nbsp;&nbsp;</td><td><br></td><td><p></p></td></tr>
<tr><td></td><td>Total</td><td></td><td>162</td></tr>
</table>
<p>End of list</p></body></html>
"""
    path.write_bytes(page.replace("\n", "\r\n").encode("cp1252"))


def make_repeats(path):
    """Identical rows and cells, stored once with a repeat count, in groups and in a header repeated on each page."""
    book = OpenDocumentSpreadsheet()
    labels = table.Table(name="Labels")
    add_rows(labels, [], times=2)
    add_rows(labels, [None, True], times=40)
    add_rows(labels, [], times=7)
    title = table.TableRow()
    cell = table.TableCell(valuetype="string", numbercolumnsspanned=2, numberrowsspanned=2)
    cell.addElement(text.P(text="Printed twice"))
    title.addElement(cell)
    title.addElement(table.CoveredTableCell())
    labels.addElement(title)
    # The cells covered by the merged cell were not emptied.
    covered = table.TableRow()
    cell = table.CoveredTableCell(valuetype="string", numbercolumnsrepeated=2)
    cell.addElement(text.P(text="Printed once"))
    covered.addElement(cell)
    labels.addElement(covered)
    book.spreadsheet.addElement(labels)

    bins = table.Table(name="Bins")
    add_rows(bins, [])
    add_rows(bins, ["Bins of hall 4"])
    header = table.TableHeaderRows()
    add_rows(header, [])
    add_rows(header, ["SKU", "Name", "Quantity", "Location"])
    bins.addElement(header)
    group = table.TableRowGroup()
    add_rows(group, ["H4-1", "Cable tie 200 mm", 500, "H4"])
    # The same row copied down by mistake.
    add_rows(group, ["H4-2", "Cable tie 300 mm", 250, "H4"], times=5)
    inner = table.TableRowGroup()
    add_rows(inner, ["H4-3", "Cable tie 400 mm", 0, "H4"])
    add_rows(inner, [], times=2)
    group.addElement(inner)
    bins.addElement(group)
    free = table.TableRow(numberrowsrepeated=6)
    cell = table.TableCell(valuetype="string", numbercolumnsrepeated=4)
    cell.addElement(text.P(text="free"))
    free.addElement(cell)
    bins.addElement(free)
    # A note on a cell, and a text of one space.
    noted = table.TableRow()
    cell = table.TableCell()
    note = office.Annotation()
    note.addElement(text.P(text="Three pallets are on their way."))
    cell.addElement(note)
    noted.addElement(cell)
    bins.addElement(noted)
    blank = table.TableRow()
    cell = table.TableCell(valuetype="string")
    paragraph = text.P()
    paragraph.addElement(text.S())
    cell.addElement(paragraph)
    blank.addElement(cell)
    bins.addElement(blank)
    add_rows(bins, [None, None, "end of list"])
    add_rows(bins, [None] * 4, times=1_048_000)
    book.spreadsheet.addElement(bins)
    book.save(str(path))


def add_rows(part, values, times=1):
    row = table.TableRow(numberrowsrepeated=times) if times > 1 else table.TableRow()
    for value in values:
        if value is None:
            cell = table.TableCell()
        elif isinstance(value, bool):
            cell = table.TableCell(valuetype="boolean", booleanvalue=str(value).lower())
        elif isinstance(value, int):
            cell = table.TableCell(valuetype="float", value=str(value))
        else:
            cell = table.TableCell(valuetype="string")
            cell.addElement(text.P(text=value))
        row.addElement(cell)
    if not values:
        row.addElement(table.TableCell(numbercolumnsrepeated=4))
    part.addElement(row)


def make_old_book(path):
    """A workbook for the old format, with gaps, formulas and their errors, formats without a value, and more sheets."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Prüfstand"
    sheet["C1"] = "Stand der Zählung"
    sheet["C2"] = DAY
    write(sheet, 5, ["Teilenummer", "Bezeichnung", "Menge", "Preis"])
    write(sheet, 6, ["T-01", "Kugellager Größe 6", 40, 3.5])
    write(sheet, 7, ["T-02", "Welle Ø 12", 7, 18.25])
    write(sheet, 9, ["T-03", "Keilriemen", "=6*7", "=1/0"])
    sheet["D12"].number_format = "0.00"
    sheet["A14"] = "Summe"
    sheet["C14"] = "=SUM(C6:C9)"
    book.create_sheet("Leer")
    book.create_sheet("Kürzel")["A1"] = "T: Technik"
    book.save(path)
