use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::Shape;
use crate::config::yaml::Node;

/// How long the prefix around an offender is that is banned with it, as far as it was said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawAround {
    pub(crate) ipv4: Option<u8>,
    pub(crate) ipv6: Option<u8>,
}

/// The value of a jail's `prefix`.
pub(crate) struct AroundOf;

impl Shape for AroundOf {
    type Value = RawAround;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ ipv4: 24, ipv6: 64 }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawAround> {
        let section = &sections::AROUND_SECTION;
        let fields = Fields::read(section, node, node.spot, path, report)?;
        Some(RawAround {
            ipv4: fields.get(&settings::AROUND_IPV4, report).map(|l| l.value),
            ipv6: fields.get(&settings::AROUND_IPV6, report).map(|l| l.value),
        })
    }
}

/// The value of a jail's `count_by`.
pub(crate) struct CountByOf;

impl Shape for CountByOf {
    type Value = RawAround;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ ipv6: 64 }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawAround> {
        let section = &sections::COUNT_BY_SECTION;
        let fields = Fields::read(section, node, node.spot, path, report)?;
        Some(RawAround {
            ipv4: fields.get(&settings::COUNT_IPV4, report).map(|l| l.value),
            ipv6: fields.get(&settings::COUNT_IPV6, report).map(|l| l.value),
        })
    }
}
