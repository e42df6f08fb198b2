/// `N` bytes of a map value, from `at` on.
///
/// # Panics
///
/// When the value ends before; the sizes are constants, so a test of each layout shows it.
pub(crate) fn field<const N: usize>(value: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&value[at..at + N]);
    field
}
