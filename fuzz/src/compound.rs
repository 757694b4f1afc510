//! Puts arbitrary records into an Excel 97 to 2003 workbook.

const SECTOR_BYTES: usize = 512;
/// Shorter streams are stored elsewhere in the file.
const STREAM_BYTES_AT_LEAST: usize = 4096;
const END: u32 = 0xFFFF_FFFE;
const NONE: u32 = 0xFFFF_FFFF;
const TABLE: u32 = 0xFFFF_FFFD;
/// The kinds of records that are added.
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const BOUND_SHEET: u16 = 0x0085;

/// Returns a workbook with one sheet named "Stock" from the records before the sheet and those of the sheet. BOF and
/// EOF records and the position of the sheet are added.
pub fn xls_of(globals: &[u8], sheet: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = &[0, 0, 5, 0, b'S', b't', b'o', b'c', b'k'];
    let begin = |what: u16| record(BOF, &[&0x0600_u16.to_le_bytes(), &what.to_le_bytes()[..], &[0; 12]].concat());
    let before = [&begin(5), globals].concat();
    let place = before.len() + 4 + 4 + NAME.len() + 4;
    let announced = record(BOUND_SHEET, &[&(place as u32).to_le_bytes(), NAME].concat());
    let end = record(EOF, &[]);
    compound_of(&[&before, &announced, &end, &begin(0x10), sheet, &end].concat())
}

fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &(body.len() as u16).to_le_bytes(), body].concat()
}

/// Returns a compound file with the stream "Workbook": header, sector allocation tables, directory, stream.
fn compound_of(stream: &[u8]) -> Vec<u8> {
    let length = stream.len().max(STREAM_BYTES_AT_LEAST);
    let sectors = length.div_ceil(SECTOR_BYTES) as u32;
    let tables = (sectors + 2).div_ceil(127);
    let mut file = vec![0; SECTOR_BYTES];
    let mut set = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    set(24, &[0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0, 6, 0]);
    for (at, number) in [(44, tables), (48, tables), (56, STREAM_BYTES_AT_LEAST as u32), (60, END), (68, END)] {
        set(at, &number.to_le_bytes());
    }
    for table in 0..109 {
        set(76 + 4 * table as usize, &(if table < tables { table } else { NONE }).to_le_bytes());
    }
    let next =
        (0..tables).map(|_| TABLE).chain([END]).chain((1..sectors).map(|sector| tables + 1 + sector)).chain([END]);
    let next = next.chain(std::iter::repeat(NONE)).take(tables as usize * SECTOR_BYTES / 4);
    file.extend(next.flat_map(u32::to_le_bytes));
    file.extend(entry("Root Entry", 5, END, 0));
    file.extend(entry("Workbook", 2, tables + 1, length as u32));
    file.resize(file.len() + SECTOR_BYTES / 2, 0);
    file.extend(stream);
    file.resize((1 + tables as usize + 1 + sectors as usize) * SECTOR_BYTES, 0);
    file
}

fn entry(name: &str, kind: u8, start: u32, length: u32) -> [u8; 128] {
    let mut entry = [0; 128];
    for (place, unit) in entry.chunks_exact_mut(2).zip(name.encode_utf16()) {
        place.copy_from_slice(&unit.to_le_bytes());
    }
    entry[64..66].copy_from_slice(&(2 * name.len() as u16 + 2).to_le_bytes());
    entry[66] = kind;
    entry[68..80].fill(0xFF);
    entry[116..120].copy_from_slice(&start.to_le_bytes());
    entry[120..124].copy_from_slice(&length.to_le_bytes());
    entry
}
