//! Tests that are the same for IPv4 and for IPv6.

/// Makes each function a test of its own for IPv4 and for IPv6.
macro_rules! for_both_families {
    ($($name:ident),* $(,)?) => {
        mod ipv4 {
            $(#[test]
            fn $name() -> anyhow::Result<()> {
                super::$name(banner_tests::topology::Family::V4)
            })*
        }
        mod ipv6 {
            $(#[test]
            fn $name() -> anyhow::Result<()> {
                super::$name(banner_tests::topology::Family::V6)
            })*
        }
    };
}
pub(crate) use for_both_families;
