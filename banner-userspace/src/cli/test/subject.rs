//! Which filter is tested.

use std::{path::Path, sync::Arc};

use crate::{
    config,
    filter::{Filter, FilterSpec, Part, Prefixes},
    import::fail2ban::{Fail2ban, FilterRef, LogType},
};

/// What stands before the name of a filter of fail2ban's.
const FAIL2BAN: &str = "fail2ban:";

/// A filter, and what it was compiled with.
pub(super) struct Subject {
    /// For people.
    pub(super) name: String,
    pub(super) filter: Arc<Filter>,
    pub(super) prefixes: Prefixes,
    /// What of the original it cannot say.
    pub(super) notes: Vec<String>,
}

/// Where filters are looked for.
pub(super) struct Places<'p> {
    /// banner's main configuration, beside which filters lie.
    pub(super) config: &'p Path,
    pub(super) fail2ban: &'p Path,
}

/// The filter that `name` means, with `options`. `journal`: its lines are the journal's, which
/// have no stamp.
pub(super) fn find(
    name: &str,
    options: &[(String, String)],
    journal: bool,
    places: &Places<'_>,
) -> anyhow::Result<Subject> {
    if name.starts_with(FAIL2BAN) {
        return of_fail2ban(name, options, journal, places.fail2ban);
    }
    let ending = Path::new(name).extension();
    let is_file = name.contains('/') || ending.is_some_and(|end| end == "yaml" || end == "yml");
    let found = if is_file {
        config::filter_in(places.config, Path::new(name), options)?
    } else {
        config::filter_named(places.config, name, options)?
    };
    Ok(Subject {
        name: name.to_owned(),
        filter: found.filter,
        prefixes: found.prefixes,
        notes: Vec::new(),
    })
}

fn of_fail2ban(
    name: &str,
    options: &[(String, String)],
    journal: bool,
    dir: &Path,
) -> anyhow::Result<Subject> {
    let mut filter: FilterRef = name.parse()?;
    filter.options.extend(options.iter().cloned());
    let from = if journal {
        LogType::Journal
    } else {
        LogType::File
    };
    let imported = Fail2ban::open(dir)?
        .with_logtype(from)
        .filter_ref(&filter)?;
    let prefixes = Prefixes::default();
    let filter = compile(&imported.spec, &prefixes)?;
    Ok(Subject {
        name: name.to_owned(),
        filter: Arc::new(filter),
        prefixes,
        notes: imported.notes,
    })
}

/// Compiles a filter that is in no file of banner's, where errors could be shown by place.
fn compile(spec: &FilterSpec, prefixes: &Prefixes) -> anyhow::Result<Filter> {
    Filter::compile(spec, prefixes).map_err(|errors| {
        let lines: Vec<_> = (errors.iter())
            .map(|error| format!("{}: {error}", part(error.part)))
            .collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}

/// A part of a filter by fail2ban's name for it.
fn part(part: Part) -> String {
    match part {
        Part::Prefilter => "prefregex".to_owned(),
        Part::Stamp(n) => format!("datepattern {}", n + 1),
        Part::Fail(n) => format!("failregex {}", n + 1),
        Part::Ignore(n) => format!("ignoreregex {}", n + 1),
        Part::Encoding => "encoding".to_owned(),
        Part::Prefix => "prefix".to_owned(),
        Part::Program => "program".to_owned(),
        Part::Sample(n) => format!("sample {}", n + 1),
    }
}
