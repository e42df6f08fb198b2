//! Opens logs: files, compressed files, standard input.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, bail};
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// What a compressed log may ask for to be read, in KiB; `xz -9` takes 64 MiB.
const XZ_MEMORY_KIB: u32 = 256 * 1024;

/// A log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl From<&PathBuf> for Log {
    fn from(path: &PathBuf) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(path.clone())
        }
    }
}

impl Log {
    /// For people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// How many bytes there are to read, where that is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::File(path) => {
                let metadata = path.metadata().ok()?;
                metadata.is_file().then_some(metadata.len())
            }
            Self::Stdin => None,
        }
    }

    /// Opens it. `read` counts its bytes, as they are before they are decompressed.
    pub(super) fn open(&self, read: &Arc<AtomicU64>) -> anyhow::Result<Box<dyn BufRead>> {
        let count = |inner| Counted {
            inner,
            read: Arc::clone(read),
        };
        match self {
            Self::File(path) => {
                refuse_folder(path)?;
                let file = File::open(path)
                    .with_context(|| format!("{}: cannot open it", path.display()))?;
                plain(count(Box::new(file)))
            }
            Self::Stdin => plain(count(Box::new(io::stdin()))),
        }
        .with_context(|| format!("{}: cannot read it", self.name()))
    }
}

fn refuse_folder(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        bail!("{} is a folder; name the logs in it", path.display());
    }
    Ok(())
}

/// Counts what is read through it.
struct Counted {
    inner: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let more = u64::try_from(length).unwrap_or(u64::MAX);
        self.read.fetch_add(more, Ordering::Relaxed);
        Ok(length)
    }
}

/// What `input` holds, decompressed where its first bytes say that it is compressed.
fn plain(mut input: impl Read + 'static) -> anyhow::Result<Box<dyn BufRead>> {
    // A pipe may give its first bytes one by one.
    let mut first = Vec::new();
    input.by_ref().take(6).read_to_end(&mut first)?;
    let kind = Kind::of(&first);
    let input = BufReader::with_capacity(PIECE, io::Cursor::new(first).chain(input));
    let inner: Box<dyn Read> = match kind {
        Kind::Plain => return Ok(Box::new(input)),
        Kind::Gzip => Box::new(MultiGzDecoder::new(input)),
        Kind::Xz => Box::new(XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB)),
        Kind::Zstd => Box::new(Zstd::new(input)),
        Kind::Unread(name) => bail!("it is compressed with {name}, which banner does not read"),
    };
    Ok(Box::new(BufReader::with_capacity(PIECE, inner)))
}

/// What a file's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Gzip,
    Xz,
    Zstd,
    Unread(&'static str),
}

impl Kind {
    fn of(first: &[u8]) -> Self {
        let known: [(&[u8], Self); 6] = [
            (b"\x1f\x8b\x08", Self::Gzip),
            (b"\xfd7zXZ\0", Self::Xz),
            (b"\x28\xb5\x2f\xfd", Self::Zstd),
            (b"BZh", Self::Unread("bzip2")),
            (b"\x04\x22\x4d\x18", Self::Unread("lz4")),
            (b"PK\x03\x04", Self::Unread("zip")),
        ];
        let found = known.iter().find(|(magic, _)| first.starts_with(magic));
        found.map_or(Self::Plain, |(_, kind)| *kind)
    }
}

/// Frame after frame; the library reads one.
struct Zstd<R> {
    input: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            decoder: FrameDecoder::new(),
            in_frame: false,
        }
    }

    /// Begins the next frame; `false` when there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.init(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.input.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 {
            if !self.in_frame || self.decoder.is_finished() {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let decoded = self.decoder.decode_blocks(&mut self.input, one);
            decoded.map_err(io::Error::other)?;
        }
        self.decoder.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const TEXT: &[u8] = b"one\ntwo\n";

    fn read(bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
        let mut text = Vec::new();
        plain(io::Cursor::new(bytes))?.read_to_end(&mut text)?;
        Ok(text)
    }

    fn gzip() -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd() -> Vec<u8> {
        use ruzstd::encoding::{CompressionLevel, compress_to_vec};
        compress_to_vec(TEXT, CompressionLevel::Fastest)
    }

    fn xz() -> Vec<u8> {
        use lzma_rust2::{XzOptions, XzWriter};
        let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
        writer.write_all(TEXT).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_plain_log_is_read_as_it_is() {
        for text in [
            &b""[..],
            b"a",
            b"\x1f",
            b"12345",
            b"123456",
            b"1234567",
            TEXT,
        ] {
            assert_eq!(read(text.to_vec()).unwrap(), text);
        }
    }

    #[test]
    fn a_compressed_log_is_read_whatever_its_name() {
        for bytes in [gzip(), zstd(), xz()] {
            assert_ne!(bytes, TEXT);
            assert_eq!(read(bytes).unwrap(), TEXT);
        }
    }

    /// As `cat a.gz b.gz` and rotation with append make them.
    #[test]
    fn several_compressed_parts_are_one_log() {
        for one in [gzip(), zstd(), xz()] {
            let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
            let between: &[u8] = if one == zstd() { skippable } else { b"" };
            let bytes = [&*one, between, &*one].concat();
            assert_eq!(read(bytes).unwrap(), [TEXT, TEXT].concat());
        }
    }

    #[test]
    fn a_broken_compressed_log_is_an_error() {
        for mut bytes in [gzip(), zstd(), xz()] {
            bytes.truncate(bytes.len() - 3);
            assert!(read(bytes).is_err());
        }
    }

    #[test]
    fn what_banner_cannot_decompress_is_named() {
        let error = read(b"BZh91AY&SY".to_vec()).unwrap_err();
        assert!(error.to_string().contains("bzip2"), "{error}");
    }

    #[test]
    fn a_folder_is_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::File(folder.path().to_path_buf());
        let error = log.open(&Arc::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains("is a folder"), "{error}");
        let absent = Log::File(folder.path().join("none"));
        let error = absent.open(&Arc::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
    }
}
