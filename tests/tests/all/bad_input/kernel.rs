//! Kernels that are too old.

use anyhow::Result;

use super::site::{assert_has, site};

#[test]
fn a_kernel_that_is_too_old_is_named_with_what_it_lacks_and_since_when_kernels_have_it()
-> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        // The kernel then calls itself 2.6.something (personality(2), UNAME26).
        seat.through = ["setarch", "--uname-2.6"].map(String::from).to_vec();
        let said = seat.refusal()?;
        assert_has(
            &said,
            &["kernel 2.6.", "too old for XDP", "links", "came with 5.9"],
        )?;
        site.assert_untouched(&seat)
    })
}
