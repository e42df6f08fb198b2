use std::time::Duration;

use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::sections;
use crate::config::settings;
use crate::config::shape::{Flag, List, Number, Shape, unexpected};
use crate::config::yaml::{Kind, Node};
use crate::model::{Escalation, Growth};

/// The value of `escalation`: whether and how ban times grow.
pub(crate) struct EscalationOf;

impl Shape for EscalationOf {
    type Value = Option<Escalation>;

    fn noun(&self) -> String {
        "true, false, or a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ growth: doubling, max: 4w }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Option<Escalation>> {
        match &node.kind {
            Kind::Bool(_) | Kind::Text(_) => {
                let mut unheard = Report::default();
                match Flag.read(node, path, &mut unheard) {
                    Some(true) => Some(Some(escalation(None, report)?)),
                    Some(false) => Some(None),
                    None => {
                        unexpected(self, node, path, report);
                        None
                    }
                }
            }
            Kind::Mapping(_) => {
                let section = &sections::ESCALATION_SECTION;
                let fields = Fields::read(section, node, node.spot, path, report)?;
                Some(Some(escalation(Some(&fields), report)?))
            }
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}

fn escalation(fields: Option<&Fields<'_>>, report: &mut Report) -> Option<Escalation> {
    let before = report.errors();
    let Some(fields) = fields else {
        return Some(Escalation {
            growth: settings::GROWTH.default_value(),
            factor: settings::FACTOR.default_value(),
            max: None,
            random: Duration::ZERO,
            all_jails: settings::ALL_JAILS.default_value(),
            forget: settings::FORGET.default_value(),
        });
    };
    let escalation = Escalation {
        growth: fields.get_or_default(&settings::GROWTH, report),
        factor: fields.get_or_default(&settings::FACTOR, report),
        max: fields.get(&settings::GROWTH_MAX, report).map(|l| l.value),
        random: fields
            .get(&settings::RANDOM, report)
            .map_or(Duration::ZERO, |l| l.value),
        all_jails: fields.get_or_default(&settings::ALL_JAILS, report),
        forget: fields.get_or_default(&settings::FORGET, report),
    };
    (report.errors() == before).then_some(escalation)
}

/// The value of `growth`: a word, or what ban times are multiplied with.
pub(crate) struct GrowthOf;

const MULTIPLIERS: List<Number> = List {
    item: Number,
    of: "numbers",
};

impl Shape for GrowthOf {
    type Value = Growth;

    fn noun(&self) -> String {
        "doubling, exponential, linear, or a list of multipliers".to_owned()
    }

    fn examples(&self) -> &'static str {
        "[1, 5, 30, 60, 300]"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Growth> {
        match &node.kind {
            Kind::Text(word) => match word.as_str() {
                "doubling" => return Some(Growth::Doubling),
                "exponential" => return Some(Growth::Exponential),
                "linear" => return Some(Growth::Linear),
                _ => {}
            },
            Kind::List(items) if !items.is_empty() => {
                let list = MULTIPLIERS.read(node, path, report)?;
                let list = list.into_iter().map(|located| located.value);
                return Some(Growth::Multipliers(list.collect()));
            }
            _ => {}
        }
        unexpected(self, node, path, report);
        None
    }
}
