//! Decodes a text while it is read.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

use super::CHUNK_BYTES;
use crate::source::Source;

/// Reads a text as UTF-8, whatever its encoding in the file.
pub struct TextReader {
    input: BufReader<Source>,
    decoding: Option<Decoding>,
}

struct Decoding {
    decoder: Decoder,
    /// Decoded and not yet passed on, from `at` on.
    ready: Vec<u8>,
    at: usize,
    ended: bool,
}

impl TextReader {
    /// `source` is at the start of the text.
    pub fn new(source: Source, encoding: &'static Encoding) -> TextReader {
        let decoding = (encoding != UTF_8).then(|| Decoding::new(encoding.new_decoder_without_bom_handling()));
        TextReader { input: BufReader::with_capacity(CHUNK_BYTES, source), decoding }
    }

    /// Skips this many bytes of the decoded text.
    pub fn skip(&mut self, bytes: u64) -> io::Result<()> {
        io::copy(&mut self.by_ref().take(bytes), &mut io::sink()).map(|_| ())
    }
}

impl Decoding {
    fn new(decoder: Decoder) -> Decoding {
        Decoding { decoder, ready: Vec::new(), at: 0, ended: false }
    }

    fn fill(&mut self, input: &mut BufReader<Source>) -> io::Result<()> {
        self.at = 0;
        self.ready.clear();
        while self.ready.is_empty() && !self.ended {
            let available = input.fill_buf()?;
            let last = available.is_empty();
            self.ready.resize(CHUNK_BYTES, 0);
            let (result, read, written, _) = self.decoder.decode_to_utf8(available, &mut self.ready, last);
            self.ready.truncate(written);
            self.ended = last && result == CoderResult::InputEmpty;
            input.consume(read);
        }
        Ok(())
    }
}

impl Read for TextReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(decoding) = &mut self.decoding else {
            return self.input.read(out);
        };
        if decoding.at == decoding.ready.len() {
            decoding.fill(&mut self.input)?;
        }
        let length = (&decoding.ready[decoding.at..]).read(out)?;
        decoding.at += length;
        Ok(length)
    }
}
