//! What aya has no call for: many entries of a BPF map at once (kernel 5.6), and a test run of a program of
//! which there is nothing but a descriptor.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use nix::libc::{self, c_int};

// `enum bpf_cmd` of linux/bpf.h.
const PROG_TEST_RUN: c_int = 10;
const OBJ_GET_INFO_BY_FD: c_int = 15;
const MAP_LOOKUP_BATCH: c_int = 24;
const MAP_UPDATE_BATCH: c_int = 26;
const MAP_DELETE_BATCH: c_int = 27;

/// `ENOTSUPP`, which the kernel keeps to itself and yet returns: this kind of map knows no batches.
const ENOTSUPP: i32 = 524;

/// The position in a map takes a key's length in some kinds of maps, and 4 bytes in others.
const MOST_KEY: usize = 64;

/// `struct { } batch` of `union bpf_attr`.
#[repr(C)]
#[derive(Default)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// `struct { } info` of `union bpf_attr`.
#[repr(C)]
struct InfoAttr {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// The beginning of `struct { } test` of `union bpf_attr`.
#[repr(C)]
#[derive(Default)]
struct TestAttr {
    program: u32,
    verdict: u32,
    size_in: u32,
    size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

/// The beginning of `struct bpf_map_info`.
#[repr(C)]
#[derive(Default)]
struct MapInfo {
    kind: u32,
    id: u32,
    key_size: u32,
    value_size: u32,
}

impl MapInfo {
    const SIZE: u32 = 16;
}

const _: () = assert!(size_of::<MapInfo>() == MapInfo::SIZE as usize);

/// A map whose entries are written and read by the many: one with one value for each key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batches<'f> {
    map: BorrowedFd<'f>,
    key: usize,
    value: usize,
}

/// A batch that was not done wholly.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// So many entries from the first on were done; 0 where it cannot be told.
    pub(crate) done: usize,
    /// Why the next one was not.
    pub(crate) error: io::Error,
}

/// A walk through all entries of a map.
#[derive(Debug)]
pub(crate) struct Walk<'f> {
    batches: Batches<'f>,
    /// Where the kernel goes on; `None` at the beginning.
    at: Option<[u8; MOST_KEY]>,
    /// Entries that there is room for.
    room: usize,
    over: bool,
}

impl<'f> Batches<'f> {
    /// Those of a map; of a hash map or an array without values per CPU.
    pub(crate) fn of(map: BorrowedFd<'f>) -> io::Result<Self> {
        const HASH: u32 = 1;
        const ARRAY: u32 = 2;
        let mut info = MapInfo::default();
        let mut attr = InfoAttr {
            bpf_fd: number(map)?,
            info_len: MapInfo::SIZE,
            info: (&raw mut info) as u64,
        };
        bpf(OBJ_GET_INFO_BY_FD, &mut attr)?;
        let (key, value) = (info.key_size as usize, info.value_size as usize);
        if ![HASH, ARRAY].contains(&info.kind) || key == 0 || key > MOST_KEY || value == 0 {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        Ok(Self { map, key, value })
    }

    /// Writes an entry for each key, there before or not: the kernel takes no other flag here.
    pub(crate) fn update(&self, keys: &[u8], values: &[u8]) -> Result<(), Stopped> {
        let count = keys.len() / self.key;
        if keys.len() != count * self.key || values.len() != count * self.value {
            return Err(Stopped::at_once(libc::EINVAL));
        }
        self.write(MAP_UPDATE_BATCH, keys, values)
    }

    /// Takes the entries of these keys out; ends at the first that is not there (`ENOENT`).
    pub(crate) fn delete(&self, keys: &[u8]) -> Result<(), Stopped> {
        if !keys.len().is_multiple_of(self.key) {
            return Err(Stopped::at_once(libc::EINVAL));
        }
        self.write(MAP_DELETE_BATCH, keys, &[])
    }

    fn write(&self, command: c_int, keys: &[u8], values: &[u8]) -> Result<(), Stopped> {
        let count = keys.len() / self.key;
        if count == 0 {
            return Ok(());
        }
        let unable = |error| Stopped { done: 0, error };
        let mut attr = BatchAttr {
            keys: keys.as_ptr() as u64,
            values: if values.is_empty() {
                0
            } else {
                values.as_ptr() as u64
            },
            count: u32::try_from(count).map_err(|_| Stopped::at_once(libc::E2BIG))?,
            map_fd: number(self.map).map_err(unable)?,
            ..BatchAttr::default()
        };
        bpf(command, &mut attr).map_err(|error| Stopped {
            // The kernel has set it only where it came as far as the entries, and one of them was
            // refused for what it is.
            done: match error.raw_os_error() {
                Some(libc::ENOENT | libc::E2BIG) => attr.count as usize,
                _ => 0,
            },
            error,
        })
    }

    /// All entries, `room` of them at a time.
    pub(crate) fn walk(self, room: usize) -> Walk<'f> {
        Walk {
            batches: self,
            at: None,
            room: room.max(1),
            over: false,
        }
    }
}

impl Walk<'_> {
    /// The next entries: their keys one behind the other, and their values; `None` behind the last.
    /// Entries may be missed, or come twice, only if others write to the map meanwhile.
    pub(crate) fn next(&mut self) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        while !self.over {
            let Batches { map, key, value } = self.batches;
            let mut keys = vec![0; self.room * key];
            let mut values = vec![0; self.room * value];
            let mut to = [0_u8; MOST_KEY];
            let mut attr = BatchAttr {
                in_batch: self.at.as_ref().map_or(0, |at| at.as_ptr() as u64),
                out_batch: to.as_mut_ptr() as u64,
                keys: keys.as_mut_ptr() as u64,
                values: values.as_mut_ptr() as u64,
                count: u32::try_from(self.room).map_err(io::Error::other)?,
                map_fd: number(map)?,
                ..BatchAttr::default()
            };
            match bpf(MAP_LOOKUP_BATCH, &mut attr) {
                Ok(()) => self.at = Some(to),
                // Behind the last.
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => self.over = true,
                // One hash bucket has more entries than there is room for.
                Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                    self.room = self.room.saturating_mul(2);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let count = (attr.count as usize).min(self.room);
            if count > 0 {
                keys.truncate(count * key);
                values.truncate(count * value);
                return Ok(Some((keys, values)));
            }
        }
        Ok(None)
    }
}

impl Stopped {
    fn at_once(errno: i32) -> Self {
        Self {
            done: 0,
            error: io::Error::from_raw_os_error(errno),
        }
    }
}

/// Whether the kernel knows no batches, or not for this map.
pub(crate) fn is_unknown(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(error.raw_os_error(), Some(libc::EINVAL | ENOTSUPP))
}

/// What a program that decides on packets says of this one, which goes nowhere.
pub(crate) fn test_run(program: BorrowedFd<'_>, packet: &[u8]) -> io::Result<u32> {
    let mut attr = TestAttr {
        program: number(program)?,
        size_in: u32::try_from(packet.len()).map_err(io::Error::other)?,
        data_in: packet.as_ptr() as u64,
        repeat: 1,
        ..TestAttr::default()
    };
    bpf(PROG_TEST_RUN, &mut attr)?;
    Ok(attr.verdict)
}

fn number(fd: BorrowedFd<'_>) -> io::Result<u32> {
    u32::try_from(fd.as_raw_fd()).map_err(io::Error::other)
}

/// `bpf(2)`. Private to this module, which hands it only such `attr` as name memory that is as long as
/// the command makes of it.
fn bpf<T>(command: c_int, attr: &mut T) -> io::Result<()> {
    let size = size_of::<T>();
    #[expect(unsafe_code, reason = "libc has no safe bpf(2)")]
    // SAFETY: `attr` is a C structure of this size, as the kernel has it for the command. The pointers
    // in it are to slices, borrowed by the callers for longer than this call, of `count` times the
    // sizes of keys and values that the kernel itself has told for the map; the position of a walk
    // has `MOST_KEY` bytes, which no key exceeds; a packet has the bytes that are said beside it, and
    // nothing is written to it; and the kernel keeps none of them.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, (&raw mut *attr), size) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
