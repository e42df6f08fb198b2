/// Index of a jail in the checked configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JailId(pub u16);

/// Index of a log entry (a path or a glob pattern) in the checked configuration. Jails that name
/// the same pattern share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub u16);
