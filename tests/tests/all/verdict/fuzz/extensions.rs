//! Extension headers, as etherparse reads them.

use banner_tests::frame::{
    AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, HOST_IDENTITY, MOBILITY, ROUTING,
    SHIM6,
};
use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv6ExtensionSlice, Ipv6ExtensionsSlice, Ipv6RawExtHeaderSlice,
    err::{ip_auth, ipv6_exts},
};

use super::differences::{Difference, Differences};

/// How many headers banner looks at.
const BOUND: usize = 8;

/// Where a walk ends.
pub(crate) enum End<'a> {
    /// At this protocol, whose bytes these are.
    Payload(IpNumber, &'a [u8]),
    /// At the header of a later fragment.
    Later,
    /// At something that cannot be read, or too late.
    Unreadable,
}

/// Walks from the header of type `next` that `rest` begins with.
pub(crate) fn walk<'a>(mut next: IpNumber, mut rest: &'a [u8], noted: &mut Differences) -> End<'a> {
    let mut seen = 0;
    // etherparse walks as far as it can, which is more than once where it means to stop earlier.
    loop {
        let (headers, end, behind, error) = Ipv6ExtensionsSlice::from_slice_lax(next, rest);
        let mut left = headers.slice().len();
        let mut headers = headers.into_iter();
        // Asked for more than was read, where it has stopped early, etherparse 0.21 reads what is not
        // there.
        while left > 0 {
            let header = headers
                .next()
                .expect("something was read that is no header");
            left -= length(&header);
            if seen == BOUND {
                noted.add(Difference::Bound);
                return End::Unreadable;
            }
            seen += 1;
            if let Ipv6ExtensionSlice::Fragment(fragment) = header {
                if fragment.fragment_offset().value() != 0 {
                    return End::Later;
                }
                if fragment.is_fragmenting_payload() {
                    noted.add(Difference::FirstFragment);
                }
            }
        }
        (next, rest) = (end, behind);
        if !is_extension(next) {
            assert!(error.is_none(), "etherparse stops at {next:?}: {error:?}");
            return End::Payload(next, rest);
        }
        if seen == BOUND {
            noted.add(Difference::Bound);
            return End::Unreadable;
        }
        // Here etherparse has stopped. Either it walks on from this header when it is asked to, or
        // banner walks over it in a way of its own.
        let stepped = match error {
            Some((ipv6_exts::HeaderSliceError::Content(why), _)) => match why {
                ipv6_exts::HeaderError::HopByHopNotAtStart => {
                    noted.add(Difference::HopByHopLater);
                    // As the first header it is read.
                    continue;
                }
                ipv6_exts::HeaderError::IpAuth(ip_auth::HeaderError::ZeroPayloadLen) => {
                    authentication(rest, noted)
                }
            },
            Some((ipv6_exts::HeaderSliceError::Len(_), _)) => match next.0 {
                AUTHENTICATION => authentication(rest, noted),
                FRAGMENT => None,
                _ => cut_off(rest, noted),
            },
            None => {
                noted.add(Difference::LesserExtensions);
                match Ipv6RawExtHeaderSlice::from_slice(rest) {
                    Ok(header) => Some((header.next_header(), &rest[header.slice().len()..])),
                    Err(_) => cut_off(rest, noted),
                }
            }
        };
        let Some(stepped) = stepped else {
            return End::Unreadable;
        };
        seen += 1;
        (next, rest) = stepped;
    }
}

fn length(header: &Ipv6ExtensionSlice<'_>) -> usize {
    match header {
        Ipv6ExtensionSlice::HopByHop(header)
        | Ipv6ExtensionSlice::Routing(header)
        | Ipv6ExtensionSlice::DestinationOptions(header) => header.slice().len(),
        Ipv6ExtensionSlice::Fragment(header) => header.slice().len(),
        Ipv6ExtensionSlice::Authentication(header) => header.slice().len(),
    }
}

/// What follows an authentication header that etherparse does not take.
pub(crate) fn authentication<'a>(
    rest: &'a [u8],
    noted: &mut Differences,
) -> Option<(IpNumber, &'a [u8])> {
    assert!(
        IpAuthHeaderSlice::from_slice(rest).is_err(),
        "etherparse takes it"
    );
    let (&next, &length) = (rest.first()?, rest.get(1)?);
    match rest.get((usize::from(length) + 2) * 4..) {
        Some(behind) => {
            noted.add(Difference::ShortAuthentication);
            Some((IpNumber(next), behind))
        }
        None => cut_off(rest, noted),
    }
}

/// What would follow a header that is cut off: nothing is there of it.
fn cut_off<'a>(rest: &'a [u8], noted: &mut Differences) -> Option<(IpNumber, &'a [u8])> {
    rest.get(1)?;
    noted.add(Difference::ExtensionCutOff);
    Some((IpNumber(rest[0]), &[]))
}

fn is_extension(number: IpNumber) -> bool {
    matches!(
        number.0,
        HOP_BY_HOP
            | ROUTING
            | FRAGMENT
            | AUTHENTICATION
            | DESTINATION_OPTIONS
            | MOBILITY
            | HOST_IDENTITY
            | SHIM6
    )
}
