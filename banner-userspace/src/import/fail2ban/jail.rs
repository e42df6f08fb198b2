//! Jails: jail.conf, jail.local and jail.d, as fail2ban reads them.

use super::{
    Fail2ban, FilterRef, LogType,
    filter::{OPTIONS, Told, described},
};
use crate::{
    filter::FilterSpec,
    import::{
        error::{ImportError, Place, Why},
        ini::{self, Files, Merged, Section, Text, Vars},
    },
};

/// What a value has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Number,
}

/// The options of a jail, and what holds where nothing is said.
const JAIL_OPTIONS: [(&str, Kind, Option<&str>); 29] = [
    ("enabled", Kind::Flag, Some("False")),
    ("backend", Kind::Text, Some("auto")),
    ("maxretry", Kind::Number, None),
    ("maxmatches", Kind::Number, None),
    ("findtime", Kind::Text, None),
    ("bantime", Kind::Text, None),
    ("bantime.increment", Kind::Flag, None),
    ("bantime.factor", Kind::Text, None),
    ("bantime.formula", Kind::Text, None),
    ("bantime.multipliers", Kind::Text, None),
    ("bantime.maxtime", Kind::Text, None),
    ("bantime.rndtime", Kind::Text, None),
    ("bantime.overalljails", Kind::Flag, None),
    ("ignorecommand", Kind::Text, None),
    ("ignoreself", Kind::Flag, None),
    ("ignoreip", Kind::Text, None),
    ("ignorecache", Kind::Text, None),
    ("filter", Kind::Text, Some("")),
    ("logtimezone", Kind::Text, None),
    ("logencoding", Kind::Text, None),
    ("logpath", Kind::Text, None),
    ("action", Kind::Text, Some("")),
    (OPTIONS[0], Kind::Text, None),
    (OPTIONS[1], Kind::Text, None),
    (OPTIONS[2], Kind::Text, None),
    (OPTIONS[3], Kind::Text, None),
    (OPTIONS[4], Kind::Number, None),
    (OPTIONS[5], Kind::Text, None),
    (OPTIONS[6], Kind::Text, None),
];

/// Most jails of one configuration.
const MOST: usize = 1024;

/// The version whose behaviour this follows; configurations may ask for it.
const VERSION: &str = "1.0.2";

/// A jail as fail2ban reads it.
#[derive(Clone, Debug)]
pub struct Jail {
    /// Its name.
    pub name: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Its filter with options; none has none.
    pub filter: Option<FilterRef>,
    /// What the filter says once the jail has added its own.
    pub spec: FilterSpec,
    /// Its actions, each with options.
    pub actions: Vec<FilterRef>,
    pub(super) options: Section,
    pub(super) usedns: Option<String>,
    /// `maxretry` where it is no number.
    pub(super) no_number: Option<String>,
}

impl Jail {
    /// The value of an option, such as `bantime`; flags are `True` and `False`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(|value| value.text.as_str())
    }

    /// All options that have a value.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        let options = self.options.iter();
        options.map(|(name, value)| (name, value.text.as_str()))
    }
}

/// All jails of a configuration.
#[derive(Debug, Default)]
pub struct Jails {
    /// Those that can be used, in their order.
    pub jails: Vec<Jail>,
    /// Those that are not enabled and were not asked for.
    pub disabled: Vec<String>,
    /// Those that cannot be used, and why.
    pub broken: Vec<(String, ImportError)>,
    pub(super) defaults: Merged,
}

impl Jails {
    /// The value of an option in `[DEFAULT]`.
    pub fn default_of(&self, option: &str) -> Option<String> {
        let value = self.defaults.get("DEFAULT", option, &Vars::default());
        Some(value.ok()?.ok()?.text)
    }
}

/// Which jails to read, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which {
    /// Also those that are not enabled.
    pub all: bool,
    /// Filters read files, also those of jails that read the journal.
    pub files: bool,
}

impl Fail2ban {
    /// Reads all jails.
    pub fn jails(&self, which: Which) -> Result<Jails, ImportError> {
        let base = self.dir().join("jail");
        let mut files = Files::default();
        let mut config = files.read(&base)?.ok_or_else(|| {
            let (what, name) = ("file", "jail".to_owned());
            Why::Absent { what, name }.at(&Place::file(self.dir()))
        })?;
        let own = Place::whole("fail2ban");
        let defaults = &mut config.sections.defaults;
        defaults.insert("fail2ban_version", Text::new(VERSION, &own));
        let path = self.dir().to_string_lossy();
        defaults.insert(
            "fail2ban_confpath",
            Text::new(path.trim_end_matches('/'), &own),
        );
        let names = config.sections.sections.keys();
        let names: Vec<_> = names
            .filter(|name| *name != "INCLUDES" && !name.starts_with("KNOWN/"))
            .map(str::to_owned)
            .collect();
        if names.len() > MOST {
            return Err(Why::TooManyJails(MOST).at(&Place::file(self.dir())));
        }
        let mut jails = Jails {
            defaults: config.clone(),
            ..Jails::default()
        };
        for name in names {
            config.rest();
            match self.jail(&mut config, &name, which) {
                Ok(Some(jail)) => jails.jails.push(jail),
                Ok(None) => jails.disabled.push(name),
                Err(error) => jails.broken.push((name, error)),
            }
        }
        Ok(jails)
    }

    fn jail(
        &self,
        config: &mut Merged,
        name: &str,
        which: Which,
    ) -> Result<Option<Jail>, ImportError> {
        let first = ["enabled", "backend", "filter"];
        let first = JAIL_OPTIONS
            .iter()
            .filter(|(name, ..)| first.contains(name));
        let mut options = read(config, name, first)?;
        let enabled = flag(&options, "enabled");
        if !enabled && !which.all {
            return Ok(None);
        }
        let text = |options: &Section, option: &str| {
            let value = options.get(option);
            value
                .cloned()
                .unwrap_or_else(|| Text::new("", &Place::whole(name)))
        };
        let filter = text(&options, "filter");
        let mut told = Told::default();
        let mut named = None;
        if filter.text.is_empty() {
            options = read(config, name, JAIL_OPTIONS.iter())?;
        } else {
            let (file, given) = ini::named(&filter.text, &filter.place)?;
            let given: Vec<_> = given
                .iter()
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect();
            let mut definition = self.read_filter(file, &given)?;
            let journal = text(&options, "backend").text.starts_with("systemd") && !which.files;
            let origin = if journal {
                LogType::Journal
            } else {
                LogType::File
            };
            self.clone()
                .with_logtype(origin)
                .decide_logtype(&mut definition);
            definition.read(&OPTIONS, &options, true)?;
            let known = definition.combined(&[])?;
            let section = config.section_mut(name);
            for (option, value) in known.iter() {
                if !option.starts_with("known/") && option != "__name__" {
                    section.insert(format!("known/{option}"), value.clone());
                }
            }
            options = read(config, name, JAIL_OPTIONS.iter())?;
            definition.read(&OPTIONS, &options, false)?;
            told.tell(&definition.combined(&[])?);
            named = Some(FilterRef {
                name: file.to_owned(),
                options: given,
            });
        }
        told.tell(&options);
        let mut spec = told.spec()?;
        if let Some(filter) = &named {
            spec.name.clone_from(&filter.name);
            spec.description = described(&filter.name, &filter.options);
        }
        let action = text(&options, "action");
        let actions = ini::split_named(&action.text).into_iter();
        let actions = actions.map(|action_text| FilterRef::read(action_text, &action.place));
        Ok(Some(Jail {
            name: name.to_owned(),
            enabled,
            filter: named,
            spec,
            actions: actions.collect::<Result<_, _>>()?,
            usedns: told.usedns().map(str::to_owned),
            no_number: no_number(config, name),
            options,
        }))
    }
}

/// What `maxretry` says where that is no number.
fn no_number(config: &Merged, jail: &str) -> Option<String> {
    let value = config.get(jail, "maxretry", &Vars::default()).ok()?.ok()?;
    value.text.trim().parse::<i64>().err().map(|_| value.text)
}

fn flag(options: &Section, option: &str) -> bool {
    options
        .get(option)
        .is_some_and(|value| value.text == "True")
}

/// Reads options of a section. A number that is none is as good as not given.
fn read<'a>(
    config: &Merged,
    section: &str,
    options: impl Iterator<Item = &'a (&'a str, Kind, Option<&'a str>)>,
) -> Result<Section, ImportError> {
    let mut values = Section::default();
    for &(option, kind, default) in options {
        let Ok(Text { text, place }) = config.get(section, option, &Vars::default())? else {
            if let Some(default) = default {
                values.insert(option, Text::new(default, &Place::whole(section)));
            }
            continue;
        };
        let text = match kind {
            Kind::Text => text,
            Kind::Flag => {
                let yes = ["1", "on", "true", "yes"].contains(&text.to_lowercase().as_str());
                if yes { "True" } else { "False" }.to_owned()
            }
            Kind::Number => match text.trim().parse::<i64>() {
                Ok(number) => number.to_string(),
                Err(_) => continue,
            },
        };
        values.insert(option, Text { text, place });
    }
    Ok(values)
}
