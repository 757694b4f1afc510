//! Generates the samples in this folder, the same bytes every time: `cargo run --example sample-data`; another folder
//! can be given after `--`. The expected result of each sample is in `expected.json`, which is written by hand.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use csv::{Terminator, WriterBuilder};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Formula, Workbook, Worksheet, XlsxError,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = match env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data"),
    };
    let samples = [
        ("q3-stock.xlsx", stock_workbook()?),
        ("q3-stock-with-mistakes.xlsx", count_workbook()?),
        ("q3-stock-export.csv", export()?),
        ("old-scan.xlsx", scanned_page()),
    ];
    for (name, bytes) in samples {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{} could not be written: {error}", path.display()))?;
    }
    Ok(())
}

// Helpers to write workbooks.

/// A cell as a user types it.
#[derive(Clone, Copy)]
enum Cell<'a> {
    Blank,
    Text(&'a str),
    Number(f64),
    /// Displayed with leading zeros: 417 with the format `00000` is 00417.
    Padded(u32),
    Money(f64),
    /// A day of September 2026.
    Day(u8),
    /// A formula and its cached result, a price.
    Lookup(&'a str, &'a str),
}

struct Formats {
    title: Format,
    header: Format,
    padded: Format,
    money: Format,
    day: Format,
    total: Format,
    remark: Format,
}

impl Formats {
    fn new() -> Formats {
        Formats {
            title: Format::new().set_bold().set_font_size(14),
            header: Format::new()
                .set_bold()
                .set_background_color(0xDDE7F0)
                .set_border_bottom(FormatBorder::Thin)
                .set_align(FormatAlign::Top),
            padded: Format::new().set_num_format("00000"),
            money: Format::new().set_num_format("£#,##0.00"),
            day: Format::new().set_num_format("d mmm yyyy"),
            total: Format::new().set_bold().set_border_top(FormatBorder::Thin),
            remark: Format::new().set_italic(),
        }
    }
}

fn write_cells(sheet: &mut Worksheet, row: u32, cells: &[Cell<'_>], formats: &Formats) -> Result<(), XlsxError> {
    for (column, cell) in (0..).zip(cells) {
        match *cell {
            Cell::Blank => continue,
            Cell::Text(text) => sheet.write_string(row, column, text)?,
            Cell::Number(number) => sheet.write_number(row, column, number)?,
            Cell::Padded(number) => sheet.write_number_with_format(row, column, number, &formats.padded)?,
            Cell::Money(amount) => sheet.write_number_with_format(row, column, amount, &formats.money)?,
            Cell::Day(day) => {
                let date = ExcelDateTime::from_ymd(2026, 9, day)?;
                sheet.write_datetime_with_format(row, column, &date, &formats.day)?
            }
            Cell::Lookup(formula, result) => {
                let formula = Formula::new(formula).set_result(result);
                sheet.write_formula_with_format(row, column, formula, &formats.money)?
            }
        };
    }
    Ok(())
}

/// Writes the column names and sets the width of each column.
fn write_header(sheet: &mut Worksheet, row: u32, columns: &[(&str, f64)], format: &Format) -> Result<(), XlsxError> {
    for (column, (name, width)) in (0..).zip(columns) {
        sheet.write_string_with_format(row, column, *name, format)?;
        sheet.set_column_width(column, *width)?;
    }
    sheet.set_freeze_panes(row + 1, 0)?;
    Ok(())
}

/// Sets a fixed date: otherwise a workbook contains the time it was made, and differs each time.
fn properties(title: &str) -> Result<DocProperties, XlsxError> {
    let saved = ExcelDateTime::from_ymd(2026, 10, 1)?.and_hms(8, 30, 0)?;
    Ok(DocProperties::new().set_title(title).set_company("Brackley & Sons").set_creation_datetime(&saved))
}

fn pounds(pence: u32) -> f64 {
    f64::from(pence) / 100.0
}

// q3-stock.xlsx: the quarterly sheet of a wholesaler of hardware.

const STOCK_COLUMNS: [(&str, f64); 10] = [
    ("SKU", 10.0),
    ("Name", 46.0),
    ("Category", 18.0),
    ("Warehouse", 12.0),
    ("Quantity", 10.0),
    ("Unit price", 12.0),
    ("Reorder level", 14.0),
    ("Supplier", 30.0),
    ("Last counted", 14.0),
    ("Discontinued", 13.0),
];

const STOCK_NOTES: [&str; 4] = [
    "Notes for the next count",
    "Fasteners are numbered in Excel, format 00000; the numbers of hand tools are typed as text with their zeros.",
    "Leeds moves its paint to Bristol in November.",
    "Items that are discontinued stay on the list until the last one is sold.",
];

#[derive(Clone, Copy)]
enum Numbering {
    /// A number that Excel displays with leading zeros.
    Padded(u32),
    /// The same, typed as text.
    Text(u32),
    Prefixed(&'static str, u32),
}

/// Articles that differ in one word of their name.
struct Family {
    category: &'static str,
    supplier: &'static str,
    /// The number of the first article; those of the others follow.
    first: Numbering,
    /// The name, with `{}` for the word.
    name: &'static str,
    usual_stock: u32,
    /// The word, and the price in pence.
    articles: [(&'static str, u32); 8],
}

const FASTENERS: &str = "Fasteners";
const HAND_TOOLS: &str = "Hand tools";
const ACCESSORIES: &str = "Drills and discs";
const ELECTRICAL: &str = "Electrical";
const PLUMBING: &str = "Plumbing";
const SAFETY: &str = "Safety";
const SEALANTS: &str = "Paint and sealants";

const ALBION: &str = "Albion Fixings Ltd";
const HARROGATE: &str = "Harrogate Tool Company";
const NORDBOHR: &str = "Nordbohr GmbH";
const LUMEN: &str = "Lumen Electrical Supplies";
const TYNE: &str = "Tyne Valley Pipe & Fittings";
const GUARDWELL: &str = "Guardwell Workwear";
const CASTLE: &str = "Castle Coatings plc";

#[rustfmt::skip]
const FAMILIES: [Family; 30] = [
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(101), usual_stock: 140, name: "Hex bolt {}, zinc plated, box of 100",
        articles: [("M5 x 20", 489), ("M6 x 20", 562), ("M6 x 40", 715), ("M8 x 30", 998), ("M8 x 60", 1449), ("M10 x 40", 1875), ("M10 x 80", 2790), ("M12 x 60", 3560)] },
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(121), usual_stock: 160, name: "Hex nut {}, zinc plated, box of 100",
        articles: [("M4", 149), ("M5", 165), ("M6", 199), ("M8", 310), ("M10", 545), ("M12", 799), ("M16", 1620), ("M20", 2985)] },
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(141), usual_stock: 120, name: "Flat washer {}, form A, box of 200",
        articles: [("M4", 129), ("M5", 139), ("M6", 165), ("M8", 249), ("M10", 395), ("M12", 580), ("M16", 1110), ("M20", 1745)] },
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(161), usual_stock: 200, name: "Wood screw {}, countersunk, box of 200",
        articles: [("3.5 x 16", 239), ("3.5 x 25", 269), ("4 x 30", 329), ("4 x 40", 385), ("4 x 50", 449), ("5 x 50", 595), ("5 x 70", 845), ("6 x 100", 1399)] },
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(181), usual_stock: 90, name: "Drywall screw {}, black, box of 1000",
        articles: [("3.5 x 25", 699), ("3.5 x 32", 789), ("3.5 x 35", 829), ("3.5 x 38", 865), ("3.5 x 42", 949), ("3.5 x 50", 1175), ("4.2 x 65", 1790), ("4.2 x 75", 2149)] },
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(201), usual_stock: 180, name: "Wall plug {}, nylon, bag of 100",
        articles: [("5 x 25", 245), ("6 x 30", 279), ("6 x 50", 419), ("8 x 40", 465), ("8 x 65", 749), ("10 x 50", 885), ("12 x 60", 1535), ("14 x 75", 2260)] },
    Family { category: FASTENERS, supplier: ALBION, first: Numbering::Padded(221), usual_stock: 60, name: "Threaded rod {}, zinc plated, 1 m",
        articles: [("M5", 115), ("M6", 129), ("M8", 199), ("M10", 299), ("M12", 435), ("M16", 799), ("M20", 1265), ("M24", 1999)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(301), usual_stock: 40, name: "Combination spanner {} mm",
        articles: [("8", 449), ("10", 479), ("12", 549), ("13", 565), ("14", 625), ("17", 779), ("19", 899), ("22", 1149)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(321), usual_stock: 55, name: "Screwdriver, {}",
        articles: [("slotted 3 x 75", 325), ("slotted 5.5 x 100", 399), ("slotted 8 x 150", 545), ("PH1 x 80", 389), ("PH2 x 100", 425), ("PZ1 x 80", 389), ("PZ2 x 100", 425), ("TX20 x 100", 475)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(341), usual_stock: 25, name: "{}",
        articles: [("Claw hammer 16 oz, fibreglass", 1999), ("Claw hammer 20 oz, fibreglass", 2249), ("Ball pein hammer 24 oz", 1745), ("Club hammer 2.5 lb", 1650), ("Sledge hammer 7 lb", 3495), ("Rubber mallet 16 oz", 899), ("Joiner's mallet, beech", 1425), ("Wrecking bar 600 mm", 1199)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(361), usual_stock: 30, name: "{}",
        articles: [("Combination pliers 180 mm", 1375), ("Side cutters 160 mm", 1295), ("Long nose pliers 200 mm", 1450), ("Water pump pliers 250 mm", 1799), ("Locking pliers 250 mm", 1525), ("Wire strippers, self-adjusting", 2475), ("Crimping pliers, insulated lugs", 2999), ("Bolt cutters 600 mm", 3250)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(381), usual_stock: 20, name: "Bevel edge chisel {} mm",
        articles: [("6", 1125), ("10", 1149), ("12", 1175), ("16", 1299), ("18", 1325), ("20", 1399), ("25", 1545), ("32", 1799)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(401), usual_stock: 35, name: "{}",
        articles: [("Tape measure 3 m", 499), ("Tape measure 5 m", 749), ("Tape measure 8 m", 1199), ("Spirit level 600 mm", 1650), ("Spirit level 1200 mm", 2785), ("Combination square 300 mm", 1499), ("Chalk line 30 m", 925), ("Vernier caliper 150 mm", 2199)] },
    Family { category: HAND_TOOLS, supplier: HARROGATE, first: Numbering::Text(421), usual_stock: 22, name: "{}",
        articles: [("Hand saw 500 mm, fine", 1425), ("Hand saw 550 mm, coarse", 1425), ("Tenon saw 300 mm", 1599), ("Hacksaw 300 mm", 1175), ("Junior hacksaw", 399), ("Pad saw", 875), ("Coping saw", 699), ("Mitre box with saw", 1850)] },
    Family { category: ACCESSORIES, supplier: NORDBOHR, first: Numbering::Prefixed("DR", 1001), usual_stock: 110, name: "HSS drill bit {} mm, ground",
        articles: [("2", 115), ("3", 135), ("4", 179), ("5", 225), ("6", 285), ("8", 465), ("10", 745), ("13", 1395)] },
    Family { category: ACCESSORIES, supplier: NORDBOHR, first: Numbering::Prefixed("DR", 1021), usual_stock: 75, name: "SDS-plus drill bit {} mm",
        articles: [("5 x 110", 289), ("6 x 110", 299), ("6 x 160", 349), ("8 x 160", 389), ("10 x 160", 475), ("12 x 210", 699), ("16 x 260", 1149), ("20 x 300", 1985)] },
    Family { category: ACCESSORIES, supplier: NORDBOHR, first: Numbering::Prefixed("DR", 1041), usual_stock: 130, name: "Cutting disc {}",
        articles: [("115 x 1.0 mm, steel", 119), ("115 x 1.6 mm, steel", 125), ("125 x 1.0 mm, steel", 139), ("125 x 1.6 mm, steel", 145), ("230 x 2.0 mm, steel", 345), ("115 mm, stone", 165), ("230 mm, stone", 425), ("125 mm, diamond", 1999)] },
    Family { category: ACCESSORIES, supplier: NORDBOHR, first: Numbering::Prefixed("DR", 1061), usual_stock: 85, name: "Sanding sheets, grit {}, pack of 10",
        articles: [("40", 545), ("60", 495), ("80", 475), ("100", 465), ("120", 459), ("180", 459), ("240", 459), ("400", 525)] },
    Family { category: ACCESSORIES, supplier: NORDBOHR, first: Numbering::Prefixed("DR", 1081), usual_stock: 50, name: "Jigsaw blades, {}, pack of 5",
        articles: [("wood, clean", 749), ("wood, fast", 699), ("wood, curves", 799), ("laminate", 949), ("metal, thin", 875), ("metal, thick", 925), ("stainless steel", 1325), ("ceramic tiles", 1749)] },
    Family { category: ELECTRICAL, supplier: LUMEN, first: Numbering::Prefixed("EL", 2001), usual_stock: 35, name: "{}",
        articles: [("Twin and earth cable 1.5 mm2, 50 m", 4295), ("Twin and earth cable 2.5 mm2, 50 m", 6450), ("Twin and earth cable 6 mm2, 50 m", 15975), ("Flex 3 core 0.75 mm2, white, 50 m", 3125), ("Flex 3 core 1.5 mm2, black, 50 m", 5499), ("Data cable Cat 6, 305 m", 12490), ("Coaxial cable, 100 m", 3895), ("Armoured cable 3 x 2.5 mm2, 50 m", 18950)] },
    Family { category: ELECTRICAL, supplier: LUMEN, first: Numbering::Prefixed("EL", 2021), usual_stock: 95, name: "LED lamp {}",
        articles: [("E27, 8 W, warm white", 349), ("E27, 11 W, warm white", 449), ("E14, 5 W, warm white", 299), ("GU10, 5 W, warm white", 275), ("GU10, 5 W, cool white", 275), ("B22, 9 W, warm white", 365), ("tube 1200 mm, 18 W", 1125), ("tube 1500 mm, 22 W", 1395)] },
    Family { category: ELECTRICAL, supplier: LUMEN, first: Numbering::Prefixed("EL", 2041), usual_stock: 70, name: "{}",
        articles: [("Socket, single, switched", 425), ("Socket, double, switched", 599), ("Socket, double, with USB", 1899), ("Light switch, one gang", 289), ("Light switch, two gang", 445), ("Dimmer switch, LED", 1675), ("Back box 35 mm, single", 125), ("Junction box 20 A", 219)] },
    Family { category: ELECTRICAL, supplier: LUMEN, first: Numbering::Prefixed("EL", 2061), usual_stock: 150, name: "Cable ties {}, black, bag of 100",
        articles: [("100 x 2.5 mm", 125), ("140 x 3.6 mm", 199), ("200 x 3.6 mm", 275), ("200 x 4.8 mm", 349), ("300 x 4.8 mm", 499), ("370 x 4.8 mm", 625), ("370 x 7.6 mm", 1099), ("550 x 9 mm", 2150)] },
    Family { category: PLUMBING, supplier: TYNE, first: Numbering::Prefixed("PL", 3001), usual_stock: 120, name: "Copper {}",
        articles: [("elbow 15 mm", 45), ("elbow 22 mm", 99), ("elbow 28 mm", 275), ("tee 15 mm", 85), ("tee 22 mm", 189), ("coupling 15 mm", 29), ("coupling 22 mm", 65), ("pipe 15 mm, 3 m", 1549)] },
    Family { category: PLUMBING, supplier: TYNE, first: Numbering::Prefixed("PL", 3021), usual_stock: 65, name: "{}",
        articles: [("Ball valve 15 mm", 749), ("Ball valve 22 mm", 1125), ("Isolating valve 15 mm", 275), ("Check valve 15 mm", 545), ("Stopcock 15 mm", 895), ("Radiator valve, thermostatic", 1999), ("Lockshield valve 15 mm", 625), ("Drain cock 15 mm", 349)] },
    Family { category: PLUMBING, supplier: TYNE, first: Numbering::Prefixed("PL", 3041), usual_stock: 80, name: "Waste fitting, {}",
        articles: [("elbow 32 mm", 125), ("elbow 40 mm", 145), ("tee 40 mm", 215), ("bottle trap 32 mm", 475), ("bottle trap 40 mm", 525), ("pipe 32 mm, 3 m", 545), ("pipe 40 mm, 3 m", 675), ("pipe clip 40 mm", 39)] },
    Family { category: SAFETY, supplier: GUARDWELL, first: Numbering::Prefixed("SF", 4001), usual_stock: 18, name: "Safety boots S3, size {}",
        articles: [("6", 5995), ("7", 5995), ("8", 5995), ("9", 5995), ("10", 5995), ("11", 5995), ("12", 6495), ("13", 6495)] },
    Family { category: SAFETY, supplier: GUARDWELL, first: Numbering::Prefixed("SF", 4021), usual_stock: 140, name: "{}",
        articles: [("Work gloves, nitrile, size 8, pair", 199), ("Work gloves, nitrile, size 9, pair", 199), ("Work gloves, nitrile, size 10, pair", 199), ("Work gloves, leather, size 10, pair", 649), ("Safety glasses, clear", 345), ("Ear defenders, 30 dB", 1295), ("Dust masks FFP2, box of 20", 1849), ("Hard hat, vented, white", 1175)] },
    Family { category: SEALANTS, supplier: CASTLE, first: Numbering::Prefixed("PT", 5001), usual_stock: 90, name: "Silicone sealant, {}, 310 ml",
        articles: [("clear", 549), ("white", 549), ("black", 549), ("grey", 549), ("brown", 575), ("beige", 575), ("high temperature, red", 899), ("fire rated, white", 1245)] },
    Family { category: SEALANTS, supplier: CASTLE, first: Numbering::Prefixed("PT", 5021), usual_stock: 30, name: "{}",
        articles: [("Masonry paint, white, 10 l", 4299), ("Masonry paint, sandstone, 10 l", 4599), ("Emulsion, brilliant white, 10 l", 2875), ("Emulsion, magnolia, 10 l", 2875), ("Metal primer, red oxide, 2.5 l", 3149), ("Floor paint, grey, 5 l", 4985), ("Wood preserver, clear, 5 l", 2699), ("White spirit, 2 l", 649)] },
];

fn stock_workbook() -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties("Stock, third quarter of 2026")?);

    let sheet = workbook.add_worksheet().set_name("Q3 2026")?;
    write_header(sheet, 0, &STOCK_COLUMNS, &formats.header)?;
    let articles = FAMILIES.iter().flat_map(|family| (0..).zip(family.articles).map(move |(i, it)| (family, i, it)));
    for (row, (family, i, article)) in (1..).zip(articles) {
        write_article(sheet, row, family, i, article, &formats)?;
    }

    let notes = workbook.add_worksheet().set_name("Notes")?.set_hidden(true);
    notes.set_column_width(0, 90)?;
    for (row, note) in (0..).zip(STOCK_NOTES) {
        notes.write_string(row, 0, note)?;
    }
    workbook.save_to_buffer()
}

/// Writes an article. Values that are not in `FAMILIES` depend on the row number: the warehouses take turns, and the
/// quantity is around the usual one.
fn write_article(
    sheet: &mut Worksheet,
    row: u32,
    family: &Family,
    place: u32,
    (word, pence): (&str, u32),
    formats: &Formats,
) -> Result<(), XlsxError> {
    let name = family.name.replace("{}", word);
    let text;
    let sku = match family.first {
        Numbering::Padded(first) => Cell::Padded(first + place),
        Numbering::Text(first) => {
            text = format!("{:05}", first + place);
            Cell::Text(&text)
        }
        Numbering::Prefixed(prefix, first) => {
            text = format!("{prefix}-{}", first + place);
            Cell::Text(&text)
        }
    };
    // Each warehouse was counted on its own days.
    let (warehouse, counted) = [("Bristol", 21), ("Leeds", 23), ("Glasgow", 28)][(row % 3) as usize];
    let discontinued = row % 41 == 17;
    let quantity = match row {
        _ if discontinued => row % 5,
        _ => family.usual_stock * (35 + row * 37 % 130) / 100,
    };
    // Discontinued articles have no reorder level; the other gaps are typical of sheets kept by hand.
    let reorder_level = (family.usual_stock / 4).next_multiple_of(5);
    let cells = [
        sku,
        Cell::Text(&name),
        Cell::Text(family.category),
        Cell::Text(warehouse),
        Cell::Number(f64::from(quantity)),
        if row % 79 == 40 { Cell::Blank } else { Cell::Money(pounds(pence)) },
        if discontinued { Cell::Blank } else { Cell::Number(f64::from(reorder_level)) },
        if row % 67 == 30 { Cell::Blank } else { Cell::Text(family.supplier) },
        if row % 59 == 50 { Cell::Blank } else { Cell::Day(counted + (row / 3 % 3) as u8) },
        Cell::Text(if discontinued { "yes" } else { "no" }),
    ];
    write_cells(sheet, row, &cells, formats)
}

// q3-stock-with-mistakes.xlsx: the count of a branch, with a title above, a total below, and ten mistakes.

const COUNT_COLUMNS: [(&str, f64); 11] = [
    ("Shelf", 8.0),
    ("Article no", 11.0),
    ("Description", 38.0),
    ("Item group", 14.0),
    ("Location", 11.0),
    ("Qty", 9.0),
    ("Price each", 12.0),
    ("Min stock", 11.0),
    ("Vendor", 24.0),
    ("Counted on", 13.0),
    ("Phased out", 12.0),
];

// The columns with mistakes.
const ARTICLE: usize = 1;
const QTY: usize = 5;
const PRICE: usize = 6;
const MIN_STOCK: usize = 7;
const COUNTED: usize = 9;
const PHASED_OUT: usize = 10;

/// The column names are in the fifth row.
const COUNT_HEADER: u32 = 4;

/// Shelves with goods of one group.
struct Bay {
    letter: char,
    group: &'static str,
    vendor: &'static str,
    /// The day of September on which it was counted.
    counted: u8,
    /// Number, description, quantity, price in pence, minimum stock. Without a price, it is looked up in the price
    /// list.
    articles: &'static [(&'static str, &'static str, u32, Option<u32>, u32)],
}

#[rustfmt::skip]
const BAYS: [Bay; 4] = [
    Bay { letter: 'A', group: "Garden", vendor: "Hedgerow Garden Trade", counted: 28, articles: &[
        ("00710", "Watering can 9 l, green", 24, Some(895), 10),
        ("00711", "Watering can 5 l, galvanised", 11, Some(1650), 5),
        ("00712", "Garden hose 15 mm, 25 m", 18, Some(2199), 8),
        ("00713", "Hose connector set, brass", 42, Some(1299), 15),
        ("00714", "Digging spade, stainless", 9, Some(3450), 6),
        ("00715", "Digging fork, stainless", 7, Some(3450), 6),
        ("00716", "Bypass secateurs", 31, Some(1799), 12),
        ("00717", "Hedge shears, telescopic", 12, Some(2995), 5),
        ("00718", "Leaf rake, plastic", 26, Some(999), 10),
        ("00719", "Wheelbarrow 85 l", 6, Some(5499), 4),
        ("00720", "Garden twine, jute, 100 m", 57, Some(349), 20),
    ] },
    Bay { letter: 'B', group: "Household", vendor: "Pennine Housewares", counted: 29, articles: &[
        ("HH-201", "Bucket 12 l, black", 63, Some(299), 25),
        ("HH-202", "Broom, stiff bristle, 600 mm", 22, Some(1149), 10),
        ("HH-203", "Dustpan and brush", 38, Some(475), 15),
        ("HH-204", "Step ladder, 4 treads", 8, Some(4299), 4),
        ("HH-205", "Storage box 45 l with lid", 44, Some(1050), 20),
        ("HH-206", "Door mat, coir, 40 x 60 cm", 29, Some(1275), 10),
        ("HH-207", "Refuse sacks, roll of 50", 81, Some(625), 30),
        ("HH-208", "Washing line 20 m", 17, Some(549), 8),
        ("HH-209", "Clothes pegs, bag of 48", 35, Some(325), 12),
        ("HH-210", "Draught excluder, 5 m", 40, Some(399), 15),
    ] },
    Bay { letter: 'C', group: "Decorating", vendor: "Castle Coatings plc", counted: 30, articles: &[
        ("DE-301", "Paint brush 50 mm, synthetic", 66, Some(449), 25),
        ("DE-302", "Paint brush 75 mm, synthetic", 48, Some(599), 20),
        ("DE-303", "Roller set 230 mm", 27, Some(1199), 10),
        ("DE-304", "Roller sleeve 230 mm, medium", 54, Some(525), 20),
        ("DE-305", "Masking tape 25 mm, 50 m", 120, Some(249), 40),
        ("DE-306", "Dust sheet 3.6 x 2.7 m, cotton", 19, Some(1399), 8),
        ("DE-307", "Filling knife 75 mm", 33, Some(499), 12),
        ("DE-308", "Wallpaper paste, 500 g", 25, Some(675), 10),
        ("DE-309", "Wood filler, natural, 250 ml", 37, Some(799), 15),
        ("DE-310", "Sugar soap, 1 l", 46, Some(385), 20),
        ("DE-311", "Sanding block, medium", 72, Some(199), 30),
        ("DE-312", "Caulking gun 310 ml", 14, Some(1250), 6),
    ] },
    Bay { letter: 'D', group: "Heating", vendor: "Ember Stoves & Fuel", counted: 30, articles: &[
        ("HT-401", "Kindling, net of 3 kg", 60, None, 25),
        ("HT-402", "Firelighters, box of 28", 95, None, 40),
        ("HT-403", "Stove glass cleaner, 500 ml", 22, None, 10),
        ("HT-404", "Coal bucket, black, 9 l", 13, None, 5),
        ("HT-405", "Fireside companion set", 5, None, 3),
        ("HT-406", "Log carrier, canvas", 16, None, 6),
        ("HT-407", "Chimney cowl 150 mm", 4, None, 2),
        ("HT-408", "Radiator key, pack of 3", 50, None, 20),
    ] },
];

/// The hidden sheet, without HT-407. A price of 3 times 1.1 is stored as 3.3000000000000003 and displayed as 3.30.
const PRICE_LIST: [(&str, f64); 7] = [
    ("HT-401", 5.49),
    ("HT-402", 2.99),
    ("HT-403", 7.25),
    ("HT-404", 18.99),
    ("HT-405", 44.95),
    ("HT-406", 21.5),
    ("HT-408", 3.0 * 1.1),
];

/// The mistakes: the article, the column, and the wrong content of the cell. The tenth mistake is that HT-407 has no
/// price in the price list (cell-shows-error).
const MISTAKES: [(&str, usize, Cell<'static>); 9] = [
    ("00715", QTY, Cell::Blank),                   // value-missing
    ("00719", PRICE, Cell::Text("on request")),    // number-expected
    ("HH-202", PRICE, Cell::Text("12,50")),        // point-expected
    ("HH-206", ARTICLE, Cell::Blank),              // key-missing
    ("HH-209", QTY, Cell::Text("approx. 40")),     // whole-number-expected
    ("DE-303", MIN_STOCK, Cell::Number(-5.0)),     // too-small
    ("DE-306", COUNTED, Cell::Text("03/04/2026")), // date-order-unclear
    ("DE-310", PHASED_OUT, Cell::Text("ask Tom")), // yes-or-no-expected
    ("DE-312", ARTICLE, Cell::Text("DE-307")),     // key-repeated
];

fn count_workbook() -> Result<Vec<u8>, XlsxError> {
    let formats = Formats::new();
    let mut workbook = Workbook::new();
    workbook.set_properties(&properties("Stock count York, September 2026")?);

    let sheet = workbook.add_worksheet().set_name("Count York")?;
    sheet.write_string_with_format(0, 0, "York branch: stock count, third quarter of 2026", &formats.title)?;
    sheet.write_string_with_format(
        2,
        0,
        "Counted by A. Whitlock and T. Beale, 28 to 30 September 2026",
        &formats.remark,
    )?;
    write_header(sheet, COUNT_HEADER, &COUNT_COLUMNS, &formats.header)?;

    let mut row = COUNT_HEADER;
    let mut total = 0.0;
    for bay in &BAYS {
        for (shelf, &(number, description, quantity, pence, min_stock)) in (1..).zip(bay.articles) {
            row += 1;
            let shelf = format!("{}{shelf:02}", bay.letter);
            let formula = format!("=VLOOKUP(B{},'Price list'!$A$2:$B${},2,FALSE)", row + 1, PRICE_LIST.len() + 1);
            let listed = PRICE_LIST.iter().find(|(listed, _)| *listed == number);
            let result = listed.map_or("#N/A".to_string(), |(_, price)| price.to_string());
            let mut cells = [
                Cell::Text(&shelf),
                Cell::Text(number),
                Cell::Text(description),
                Cell::Text(bay.group),
                Cell::Text("York"),
                Cell::Number(f64::from(quantity)),
                pence.map_or(Cell::Lookup(&formula, &result), |pence| Cell::Money(pounds(pence))),
                Cell::Number(f64::from(min_stock)),
                Cell::Text(bay.vendor),
                Cell::Day(bay.counted),
                Cell::Text("no"),
            ];
            for (_, column, typed) in MISTAKES.iter().filter(|(of, _, _)| *of == number) {
                cells[*column] = *typed;
            }
            if let Cell::Number(counted) = cells[QTY] {
                total += counted;
            }
            write_cells(sheet, row, &cells, &formats)?;
        }
    }

    let sum = Formula::new(format!("=SUM(F{}:F{})", COUNT_HEADER + 2, row + 1)).set_result(total.to_string());
    sheet.write_string_with_format(row + 1, 0, "Total", &formats.total)?;
    sheet.write_formula_with_format(row + 1, QTY as u16, sum, &formats.total)?;
    let note = "Damaged goods are in the cage and not in this list.";
    sheet.write_string_with_format(row + 3, 0, note, &formats.remark)?;

    let list = workbook.add_worksheet().set_name("Price list")?.set_hidden(true);
    write_header(list, 0, &[("Article no", 11.0), ("Price each", 12.0)], &formats.header)?;
    for (row, (number, price)) in (1..).zip(PRICE_LIST) {
        write_cells(list, row, &[Cell::Text(number), Cell::Money(price)], &formats)?;
    }
    workbook.save_to_buffer()
}

// q3-stock-export.csv: an export of a merchandise management system.

const EXPORT_COLUMNS: [&str; 10] = [
    "Item number",
    "Product name",
    "Item group",
    "Site",
    "Quantity on hand",
    "Unit cost",
    "Reorder point",
    "Vendor",
    "Inventory date",
    "Inactive",
];

/// The number of items per page; pages are separated by a blank line.
const EXPORT_PAGE: usize = 25;

/// The quantity of 040417 has a thousands separator as used in Germany: it could be 1.2 or 1200.
#[rustfmt::skip]
const EXPORT: [[&str; 10]; 40] = [
    ["040391", "Sechskantschraube M8 x 40, verzinkt", "Schrauben", "Bremen", "4200", "0.07", "1000", "Weserstahl GmbH", "2026-09-30", "N"],
    ["040392", "Sechskantschraube M10 x 60, verzinkt", "Schrauben", "Bremen", "2650", "0.19", "800", "Weserstahl GmbH", "2026-09-30", "N"],
    ["040393", "Schlossschraube M8 x 80", "Schrauben", "Bremen", "1480", "0.23", "500", "Weserstahl GmbH", "2026-09-30", "N"],
    ["040394", "Stockschraube M8 x 100", "Schrauben", "Bremen", "960", "0.31", "400", "Weserstahl GmbH", "2026-09-30", "N"],
    ["040395", "Spanplattenschraube 4 x 40\n(Paket zu 500 Stück)", "Schrauben", "Bremen", "88", "14.90", "30", "Weserstahl GmbH", "2026-09-30", "N"],
    ["040396", "Spanplattenschraube 5 x 60\n(Paket zu 200 Stück)", "Schrauben", "Bremen", "104", "12.35", "30", "Weserstahl GmbH", "2026-09-30", "N"],
    ["040401", "Rohrschelle 1/2\" mit Gummieinlage", "Sanitär", "Bremen", "730", "0.84", "250", "Küstner & Söhne", "2026-09-29", "N"],
    ["040402", "Rohrschelle 3/4\" mit Gummieinlage", "Sanitär", "Bremen", "615", "0.96", "250", "Küstner & Söhne", "2026-09-29", "N"],
    ["040403", "Rohrschelle 1\" mit Gummieinlage", "Sanitär", "Bremen", "402", "1.12", "200", "Küstner & Söhne", "2026-09-29", "N"],
    ["040404", "Kugelhahn 1/2\", Messing", "Sanitär", "Bremen", "146", "7.45", "50", "Küstner & Söhne", "2026-09-29", "N"],
    ["040405", "Kugelhahn 3/4\", Messing", "Sanitär", "Bremen", "98", "9.80", "40", "Küstner & Söhne", "2026-09-29", "N"],
    ["040406", "Eckventil 1/2\" x 3/8\", verchromt", "Sanitär", "Bremen", "210", "4.99", "80", "Küstner & Söhne", "2026-09-29", "N"],
    ["040407", "Siphon für Waschtische, weiß", "Sanitär", "Bremen", "64", "6.25", "25", "Küstner & Söhne", "2026-09-29", "N"],
    ["040408", "Dichtungsband PTFE, 12 m", "Sanitär", "Bremen", "540", "0.65", "200", "Küstner & Söhne", "2026-09-29", "N"],
    ["040411", "Sicherheitsschuh S3\nGröße 41", "Arbeitsschutz", "Bremen", "14", "74.50", "6", "Nordschutz AG", "2026-09-28", "N"],
    ["040412", "Sicherheitsschuh S3\nGröße 42", "Arbeitsschutz", "Bremen", "19", "74.50", "6", "Nordschutz AG", "2026-09-28", "N"],
    ["040413", "Sicherheitsschuh S3\nGröße 43", "Arbeitsschutz", "Bremen", "22", "74.50", "6", "Nordschutz AG", "2026-09-28", "N"],
    ["040414", "Gehörschutz 30 dB", "Arbeitsschutz", "Bremen", "47", "12.95", "20", "Nordschutz AG", "2026-09-28", "N"],
    ["040415", "Schutzbrille, klar", "Arbeitsschutz", "Bremen", "133", "3.49", "50", "Nordschutz AG", "2026-09-28", "N"],
    ["040416", "Warnweste, gelb; eine Größe", "Arbeitsschutz", "Bremen", "260", "2.79", "100", "Nordschutz AG", "2026-09-28", "N"],
    ["040417", "Einweghandschuhe, Größe L, Paar", "Arbeitsschutz", "Bremen", "1.200", "0.09", "500", "Nordschutz AG", "2026-09-28", "N"],
    ["040421", "Feinsicherung 5 x 20 mm, träge, 1 A", "Elektro", "Hannover", "875", "0.18", "300", "Elektro Hübner", "2026-09-25", "N"],
    ["040422", "Feinsicherung 5 x 20 mm, träge, 2 A", "Elektro", "Hannover", "910", "0.18", "300", "Elektro Hübner", "2026-09-25", "N"],
    ["040423", "Lüsterklemme 2,5 mm², 12-polig", "Elektro", "Hannover", "340", "0.95", "120", "Elektro Hübner", "2026-09-25", "N"],
    ["040424", "Verteilerdose, Aufputz, grau", "Elektro", "Hannover", "188", "1.85", "60", "Elektro Hübner", "2026-09-25", "N"],
    ["040425", "Schutzkontaktsteckdose, reinweiß", "Elektro", "Hannover", "275", "3.95", "100", "Elektro Hübner", "2026-09-25", "N"],
    ["040426", "Verlängerungskabel 5 m, schwarz", "Elektro", "Hannover", "71", "8.49", "30", "Elektro Hübner", "2026-09-25", "N"],
    ["040427", "Kabeltrommel 40 m, \"Baustelle\"", "Elektro", "Hannover", "12", "64.00", "5", "Elektro Hübner", "2026-09-25", "N"],
    ["040428", "Glühlampe 60 W, E27", "Elektro", "Hannover", "37", "1.10", "", "Elektro Hübner", "2026-09-25", "Y"],
    ["040429", "Leuchtstoffröhre 36 W", "Elektro", "Hannover", "8", "3.20", "", "Elektro Hübner", "2026-09-25", "Y"],
    ["040431", "Türdrücker, Edelstahl, Paar", "Beschläge", "Hannover", "53", "24.90", "20", "Weserstahl GmbH", "2026-09-24", "N"],
    ["040432", "Türschließer, silber", "Beschläge", "Hannover", "16", "89.00", "5", "Weserstahl GmbH", "2026-09-24", "N"],
    ["040433", "Möbelscharnier 110°, Paar", "Beschläge", "Hannover", "390", "2.15", "150", "Weserstahl GmbH", "2026-09-24", "N"],
    ["040434", "Schubladenführung 450 mm, Paar", "Beschläge", "Hannover", "84", "11.75", "30", "Weserstahl GmbH", "2026-09-24", "N"],
    ["040435", "Profilzylinder 30/30, gleichschließend", "Beschläge", "Hannover", "41", "18.99", "15", "", "2026-09-24", "N"],
    ["040436", "Vorhängeschloss 40 mm, Messing", "Beschläge", "Hannover", "67", "9.95", "25", "", "2026-09-24", "N"],
    ["040441", "Acryldichtstoff, weiß, 310 ml", "Chemie", "Hannover", "152", "2.49", "60", "Küstner & Söhne", "", "N"],
    ["040442", "Montagekleber, lösemittelfrei, 290 ml", "Chemie", "Hannover", "96", "4.75", "40", "Küstner & Söhne", "", "N"],
    ["040443", "Rostlöser-Spray, 400 ml", "Chemie", "Hannover", "118", "5.60", "40", "Küstner & Söhne", "2026-09-24", "N"],
    ["040444", "Holzöl für außen, farblos, 2,5 l", "Chemie", "Hannover", "29", "34.95", "10", "Küstner & Söhne", "2026-09-24", "N"],
];

fn export() -> Result<Vec<u8>, Box<dyn Error>> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let mut text = BYTE_ORDER_MARK.to_vec();
    let (first, others) = EXPORT.split_at(EXPORT_PAGE);
    text.extend(separate(&[&[EXPORT_COLUMNS], first].concat())?);
    text.extend(b"\r\n");
    text.extend(separate(others)?);
    Ok(text)
}

fn separate(rows: &[[&str; 10]]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = WriterBuilder::new().delimiter(b';').terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.into_inner()?)
}

// old-scan.xlsx: not a workbook, despite its name.

const SCAN: [&str; 6] = [
    "Bristol warehouse - stock list 2009 - page 1 of 1",
    "00101  Hex bolt M5 x 20      134  GBP 3.95",
    "00102  Hex bolt M6 x 20       87  GBP 4.60",
    "00121  Hex nut M4            210  GBP 0.99",
    "00301  Combination spanner 8  12  GBP 3.25",
    "00341  Claw hammer 16 oz       9  GBP 14.99",
];

/// Returns a PDF of one page.
fn scanned_page() -> Vec<u8> {
    let lines: String = SCAN.iter().map(|line| format!("({line}) Tj T*\n")).collect();
    let drawing = format!("BT\n/F1 11 Tf\n16 TL\n72 770 Td\n{lines}ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_string(),
        format!("<< /Length {} >>\nstream\n{drawing}endstream", drawing.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>".to_string(),
    ];
    let mut pdf = "%PDF-1.4\n".to_string();
    // The cross-reference table: the offset of each object in lines of twenty bytes; the first entry is the head of the
    // list of free objects.
    let mut places = "0000000000 65535 f \n".to_string();
    for (number, object) in (1..).zip(&objects) {
        places += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (start, size) = (pdf.len(), objects.len() + 1);
    pdf += &format!("xref\n0 {size}\n{places}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    pdf.into_bytes()
}
