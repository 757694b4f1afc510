//! The container of Excel 97 to 2003 workbooks: a file of sectors with one stream in it.

const SECTOR: usize = 512;
/// Shorter streams would be stored in the mini stream.
const SHORTEST: usize = 4096;
const FREE: u32 = 0xFFFF_FFFF;
const END: u32 = 0xFFFF_FFFE;
const FAT: u32 = 0xFFFF_FFFD;
const ENTRY: usize = 128;

/// Builds a file with one stream of this name, padded so that it is stored in ordinary sectors.
pub fn compound(name: &str, mut stream: Vec<u8>) -> Vec<u8> {
    stream.resize(stream.len().max(SHORTEST), 0);
    let length = stream.len();
    stream.resize(length.next_multiple_of(SECTOR), 0);
    let sectors = stream.len() / SECTOR;
    // The sector table comes first, then the directory, then the stream.
    let per_table = SECTOR / 4;
    let tables = (1..).find(|tables| tables * per_table >= tables + 1 + sectors).expect("a long enough table");
    let chain = |first: usize, count: usize| (first + 1..first + count).map(number).chain([END]);
    let mut table: Vec<u32> = vec![FAT; tables];
    table.push(END);
    table.extend(chain(tables + 1, sectors));
    table.resize(tables * per_table, FREE);

    let mut file = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    file.extend([0; 16]);
    for half in [0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0] {
        file.extend(u16::to_le_bytes(half));
    }
    // Number of sectors of the directory and of the table, start of the directory; there is no mini stream.
    for word in [0, number(tables), number(tables), 0, 4096, END, 0, END, 0] {
        file.extend(u32::to_le_bytes(word));
    }
    for index in 0..109 {
        file.extend(u32::to_le_bytes(if index < tables { number(index) } else { FREE }));
    }
    assert_eq!(file.len(), SECTOR, "the header is one sector, with room for 109 tables");
    file.extend(table.into_iter().flat_map(u32::to_le_bytes));
    file.extend(entry("Root Entry", 5, 1, END, 0));
    file.extend(entry(name, 2, FREE, number(tables + 1), number(length)));
    file.resize(SECTOR * (2 + tables), 0);
    file.extend(stream);
    file
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a small file")
}

fn entry(name: &str, kind: u8, child: u32, first: u32, length: u32) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let name_bytes = u16::try_from(entry.len()).expect("a short name");
    entry.resize(64, 0);
    entry.extend(name_bytes.to_le_bytes());
    entry.extend([kind, 1]);
    entry.extend([FREE, FREE, child].into_iter().flat_map(u32::to_le_bytes));
    entry.resize(ENTRY - 12, 0);
    entry.extend([first, length, 0].into_iter().flat_map(u32::to_le_bytes));
    entry
}
