//! One input that is made of several.

/// What stands between the parts of an input.
pub const BREAK: u8 = 0;

/// The parts of an input as text, at most so many; what is missing is empty.
pub fn texts<const N: usize>(data: &[u8]) -> [String; N] {
    let mut parts = data.splitn(N, |byte| *byte == BREAK);
    std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}

/// An input with these parts.
pub fn join<'p>(parts: impl IntoIterator<Item = &'p str>) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.into_iter().map(str::as_bytes).collect();
    parts.join(&BREAK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_taken_apart_again() {
        assert_eq!(texts::<2>(&join(["a", "b"])), ["a", "b"]);
        assert_eq!(texts::<3>(&join(["a", "b"])), ["a", "b", ""]);
        assert_eq!(texts::<2>(&join(["a", "b", "c"])), ["a", "b\0c"]);
    }
}
