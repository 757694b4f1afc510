//! The file system inside an Office file from before the zip formats: its streams and their bytes. No chain of sectors
//! is followed beyond the length of the file.
//!
//! The crate `cfb` (0.16) withstands endless chains and false sizes as well, but refuses the whole file for many faults
//! in its header, tables or directory, such as a directory entry out of order or a table that is longer than the file.
//! This reader looks only at what leads to the workbook's stream, and reads such files.

const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
const SHORT_SECTOR_BYTES: usize = 64;
const SHORT_STREAM_BYTES: u64 = 4096;
/// Numbers from here on are not sectors: they mark the end of a chain, or a free sector.
const FIRST_SPECIAL: u32 = 0xFFFF_FFFA;

/// A compound file in memory.
pub struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    next: Vec<u32>,
    next_short: Vec<u32>,
    short: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    /// Siblings in the same folder, and the first entry inside this one.
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    length: u64,
}

pub fn is_compound(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

impl<'a> Compound<'a> {
    /// Parses the file; `None` if it is damaged.
    pub fn read(bytes: &'a [u8]) -> Option<Compound<'a>> {
        if !is_compound(bytes) || bytes.len() < HEADER_BYTES {
            return None;
        }
        let sector = match u16_at(bytes, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mut file = Compound { bytes, sector, next: vec![], next_short: vec![], short: vec![], entries: vec![] };
        file.next = file.read_next()?;
        let directory = file.chain(u32_at(bytes, 48)?, u64::MAX)?;
        file.entries =
            directory.as_chunks::<ENTRY_BYTES>().0.iter().filter_map(|entry| read_entry(entry, sector)).collect();
        let (start, length) = file.entries.first().map(|root| (root.start, root.length))?;
        if u32_at(bytes, 64)? > 0 {
            let table = file.chain(u32_at(bytes, 60)?, u64::MAX)?;
            file.next_short = numbers(&table);
            file.short = file.chain(start, length)?;
        }
        Some(file)
    }

    /// The bytes of a stream; `None` if it does not exist or is truncated.
    pub fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.entry(name)?;
        if entry.length >= SHORT_STREAM_BYTES {
            return self.chain(entry.start, entry.length).filter(|stream| stream.len() as u64 == entry.length);
        }
        let mut stream = Vec::new();
        let mut at = entry.start;
        while at < FIRST_SPECIAL && (stream.len() as u64) < entry.length {
            let from = (at as usize).checked_mul(SHORT_SECTOR_BYTES)?;
            let to = from.checked_add(SHORT_SECTOR_BYTES)?.min(self.short.len());
            // An empty piece whose chain loops would never fill the stream.
            stream.extend_from_slice(self.short.get(from..to).filter(|piece| !piece.is_empty())?);
            at = *self.next_short.get(at as usize)?;
        }
        stream.truncate(entry.length as usize);
        (stream.len() as u64 == entry.length).then_some(stream)
    }

    /// A workbook embedded in another has streams of the same names, in a folder of its own.
    fn entry(&self, name: &str) -> Option<&Entry> {
        let is_named = |entry: &&Entry| entry.name.eq_ignore_ascii_case(name);
        let mut named = self.entries.iter().filter(is_named);
        match (named.next(), named.next()) {
            (only, None) => only,
            _ => self.outermost().find(is_named),
        }
    }

    /// The entries outside any folder.
    fn outermost(&self) -> impl Iterator<Item = &Entry> {
        let mut open: Vec<u32> = self.entries.first().map(|root| root.child).into_iter().collect();
        let next = move || {
            let entry = loop {
                if let Some(entry) = self.entries.get(open.pop()? as usize) {
                    break entry;
                }
            };
            open.extend([entry.left, entry.right]);
            Some(entry)
        };
        // A tree with a loop has no end.
        std::iter::from_fn(next).take(self.entries.len())
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        // The header takes up one sector.
        let from = (number as usize).checked_add(1)?.checked_mul(self.sector)?;
        let to = from.checked_add(self.sector)?.min(self.bytes.len());
        self.bytes.get(from..to).filter(|sector| !sector.is_empty())
    }

    /// The next sector of each sector.
    fn read_next(&self) -> Option<Vec<u32>> {
        let max = self.bytes.len() / self.sector + 1;
        let mut sectors = numbers(self.bytes.get(76..HEADER_BYTES)?);
        let mut more = u32_at(self.bytes, 68)?;
        let mut read = 0;
        while more < FIRST_SPECIAL && read <= max {
            let mut further = numbers(self.sector(more)?);
            more = further.pop()?;
            sectors.append(&mut further);
            read += 1;
        }
        if read > max {
            return None;
        }
        let mut next = Vec::new();
        for sector in sectors.into_iter().filter(|&sector| sector < FIRST_SPECIAL).take(max) {
            next.append(&mut numbers(self.sector(sector)?));
        }
        Some(next)
    }

    fn chain(&self, start: u32, length: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut at = start;
        while at < FIRST_SPECIAL && (bytes.len() as u64) < length {
            bytes.extend_from_slice(self.sector(at)?);
            // A chain with a loop would get longer than the file.
            if bytes.len() > self.bytes.len() {
                return None;
            }
            at = *self.next.get(at as usize)?;
        }
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Some(bytes)
    }
}

fn read_entry(entry: &[u8; ENTRY_BYTES], sector: usize) -> Option<Entry> {
    let units = entry[..64].as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let name = char::decode_utf16(units.take_while(|&unit| unit != 0)).map(|c| c.unwrap_or('?')).collect();
    // Files with small sectors leave the upper half of the length unset.
    let upper = if sector == 512 { 0 } else { u64::from(u32_at(entry, 124)?) };
    let [left, right, child] = [68, 72, 76].map(|at| u32_at(entry, at));
    let (left, right, child) = (left?, right?, child?);
    Some(Entry {
        name,
        left,
        right,
        child,
        start: u32_at(entry, 116)?,
        length: u64::from(u32_at(entry, 120)?) | upper << 32,
    })
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use inventory_test_files::compound::compound;

    const END: u32 = 0xFFFF_FFFE;

    #[test]
    fn streams_are_found_and_read_completely() {
        let content: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
        let bytes = compound("Workbook", content.clone());
        let file = Compound::read(&bytes).unwrap();
        assert_eq!(file.stream("workbook").unwrap(), content);
        assert!(file.stream("Book").is_none());
    }

    #[test]
    fn endless_and_truncated_chains_are_refused() {
        let bytes = compound("Workbook", vec![7; 5_000]);
        let broken = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            Compound::read(&bytes).and_then(|file| file.stream("Workbook"))
        };
        assert!(broken(&|_| {}).is_some());
        // The directory, the stream and the list of tables each loop.
        assert!(broken(&|bytes| bytes[516..520].copy_from_slice(&1_u32.to_le_bytes())).is_none());
        assert!(broken(&|bytes| bytes[68..72].copy_from_slice(&1_u32.to_le_bytes())).is_none());
        assert!(broken(&|bytes| bytes[520..524].copy_from_slice(&900_u32.to_le_bytes())).is_none());
        assert!(broken(&|bytes| bytes.truncate(3_000)).is_none());
        assert!(broken(&|bytes| bytes.truncate(100)).is_none());
    }

    #[test]
    fn the_stream_of_an_embedded_workbook_is_not_used() {
        let entry = |name: &str, [left, right, child]: [u32; 3], start| Entry {
            name: name.to_owned(),
            left,
            right,
            child,
            start,
            length: 0,
        };
        let file = |first_right| Compound {
            bytes: &[],
            sector: 512,
            next: vec![],
            next_short: vec![],
            short: vec![],
            entries: vec![
                entry("Root Entry", [END, END, 2], 0),
                entry("Workbook", [END, END, END], 1),
                entry("MBD0001", [END, first_right, 1], 2),
                entry("Workbook", [END, 2, END], 3),
            ],
        };
        assert_eq!(file(3).entry("Workbook").unwrap().start, 3);
        assert_eq!(file(3).entry("mbd0001").unwrap().start, 2);
        assert!(file(END).entry("Workbook").is_none());
    }

    #[test]
    fn a_short_stream_without_sectors_that_loops_is_refused() {
        let mut bytes = compound("Workbook", vec![]);
        let set = |bytes: &mut Vec<u8>, at: usize, number: u32| {
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        };
        // The list of short sectors is the content: each is followed by sector 0.
        set(&mut bytes, 60, 2);
        set(&mut bytes, 64, 1);
        // The second entry: its start and its length.
        set(&mut bytes, 1_152 + 116, 0);
        set(&mut bytes, 1_152 + 120, 64);
        assert!(Compound::read(&bytes).unwrap().stream("Workbook").is_none());
    }
}
