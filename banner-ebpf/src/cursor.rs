/// The one way to packet bytes: every header is taken through its bounds check.
#[derive(Clone, Copy)]
pub struct Cursor {
    at: usize,
    end: usize,
}

impl Cursor {
    /// From `data` to `data_end` of a packet.
    #[inline(always)]
    pub fn new(data: usize, data_end: usize) -> Self {
        Self {
            at: data,
            end: data_end,
        }
    }

    /// The next `T` of the packet, and steps over it; `None` when the packet ends before it does.
    ///
    /// The comparison has to be on `at + size` against `end` in this form: the verifier recognises
    /// it and learns from it how many bytes behind `at` may be touched.
    #[inline(always)]
    pub fn take<T>(&mut self) -> Option<*mut T> {
        let next = self.at + size_of::<T>();
        if next > self.end {
            return None;
        }
        let header = self.at as *mut T;
        self.at = next;
        Some(header)
    }

    /// A copy of the next `T`, of which only the fields that are used are loaded.
    #[inline(always)]
    pub fn read<T: Copy>(&mut self) -> Option<T> {
        const { assert!(align_of::<T>() <= 2 && size_of::<T>().is_multiple_of(2)) };
        // SAFETY: `take` has checked the bounds; every `T` read here is made of integers, for which
        // all bit patterns are valid; the packet is even-aligned and so is everything behind
        // headers of even length.
        self.take::<T>().map(|header| unsafe { header.read() })
    }

    /// The next `T` where it stands in the packet, and steps over it.
    #[inline(always)]
    pub fn peek<'p, T: Copy>(&mut self) -> Option<&'p T> {
        const { assert!(align_of::<T>() <= 2 && size_of::<T>().is_multiple_of(2)) };
        // SAFETY: as in `read`. The packet is this program's alone until it returns, and nothing here
        // writes to it.
        self.take::<T>().map(|header| unsafe { &*header })
    }

    /// Steps over `bytes` bytes, an even number below 4 096: the verifier adds up the most that it
    /// may be. Whether the packet is that long shows when something is read there.
    #[inline(always)]
    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes & 0xffe;
    }
}
