use std::path::PathBuf;
use std::time::Duration;

use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::Shape;
use crate::config::yaml::Node;

/// What is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The file, if not the one in the state directory.
    pub path: Option<PathBuf>,
    /// How long what is past is kept.
    pub retention: Duration,
    /// Lines that are kept with each ban, 0 to 10.
    pub lines: u32,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            path: None,
            retention: settings::RETENTION.default_value(),
            lines: settings::LINES_KEPT.default_value(),
        }
    }
}

/// The value of `store`.
pub(crate) struct StoreOf;

impl Shape for StoreOf {
    type Value = Storage;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Storage> {
        let section = &sections::STORE_SECTION;
        let fields = Fields::read(section, node, node.spot, path, report)?;
        let file = fields.get(&settings::STORE_PATH, report);
        Some(Storage {
            path: file.map(|located| located.value.into()),
            retention: fields.get_or_default(&settings::RETENTION, report),
            lines: fields.get_or_default(&settings::LINES_KEPT, report),
        })
    }

    fn empty(&self) -> Option<Storage> {
        Some(Storage::default())
    }
}
