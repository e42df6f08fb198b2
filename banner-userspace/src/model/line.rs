use std::fmt;

use super::{LogId, Wall};

/// Whole lines from one source, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The log entries that the source counts for, in ascending order.
    pub logs: &'a [LogId],
    /// One or more lines, each with its `\n`. Bytes as they stand in the source: any encoding, NUL
    /// included.
    pub bytes: &'a [u8],
    /// `bytes` is the beginning of one line, and `\n`: the line was longer than the limit, or its
    /// source ended before it did. Nothing may be concluded from where it ends:
    /// what its writer let somebody put into the middle of a line may stand there as its end.
    pub cut: bool,
    /// When its lines were written, where the source knows without reading them; in the order of
    /// the lines. Empty where only the lines themselves may tell.
    pub times: &'a [LineTime],
    /// The container that wrote them.
    pub origin: Option<&'a Origin>,
}

/// When a line of a [`Chunk`] was written, and those after it up to the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTime {
    /// Where the line begins in the bytes of the chunk.
    pub from: usize,
    /// The time that the source gives; none: it has none for this line.
    pub at: Option<Wall>,
}

/// A container. What its runtime does not tell is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Of Kubernetes.
    pub namespace: String,
    /// Of Kubernetes.
    pub pod: String,
    /// Its name, or else its id.
    pub container: String,
}

impl<'a> Chunk<'a> {
    /// Of lines that tell themselves when they were written.
    pub fn new(logs: &'a [LogId], bytes: &'a [u8]) -> Self {
        Self {
            logs,
            bytes,
            cut: false,
            times: &[],
            origin: None,
        }
    }

    /// When a line was written that is part of `bytes`, if the source knows.
    pub fn time_of(&self, line: &[u8]) -> Option<Wall> {
        if self.times.is_empty() {
            return None;
        }
        let from = line
            .as_ptr()
            .addr()
            .checked_sub(self.bytes.as_ptr().addr())?;
        let after = self.times.partition_point(|time| time.from <= from);
        self.times.get(after.checked_sub(1)?)?.at
    }
}

/// `shop/web-1/nginx`, or the container alone.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.namespace, &self.pod] {
            if !part.is_empty() {
                write!(f, "{part}/")?;
            }
        }
        f.write_str(&self.container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_time_of_the_entry_before_it() {
        let bytes = b"a\nbb\nccc\nd\n";
        let times = [(0, Some(1)), (2, None), (5, Some(3))].map(|(from, at)| LineTime {
            from,
            at: at.map(Wall),
        });
        let chunk = Chunk {
            times: &times,
            ..Chunk::new(&[LogId(0)], bytes)
        };
        let time = |from: usize, to: usize| chunk.time_of(&bytes[from..to]);
        assert_eq!(time(0, 1), Some(Wall(1)));
        assert_eq!(time(2, 4), None);
        assert_eq!([time(5, 8), time(9, 10)], [Some(Wall(3)); 2]);
        assert_eq!(Chunk::new(&[], bytes).time_of(&bytes[..1]), None);
    }

    #[test]
    fn an_origin_is_shown_as_far_as_it_is_known() {
        let mut origin = Origin {
            namespace: "shop".into(),
            pod: "web-1".into(),
            container: "nginx".into(),
        };
        assert_eq!(origin.to_string(), "shop/web-1/nginx");
        origin.namespace.clear();
        origin.pod.clear();
        assert_eq!(origin.to_string(), "nginx");
    }
}
