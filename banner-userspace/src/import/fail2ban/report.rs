//! What an import did not carry over, or not as it was.

use std::fmt;

/// Something that people have to know about an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The jail that it is about; none: all of them.
    pub jail: Option<String>,
    /// What it is.
    pub text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.jail {
            Some(jail) => write!(f, "jail {jail}: {}", self.text),
            None => write!(f, "{}", self.text),
        }
    }
}

/// The result of an import, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The jails that were written.
    pub jails: Vec<String>,
    /// The jails that are not enabled there and were not asked for.
    pub disabled: Vec<String>,
    /// What is carried over and means something else.
    pub changed: Vec<Remark>,
    /// What is not carried over.
    pub left_out: Vec<Remark>,
}

/// How many jails are named that something is about.
const NAMED: usize = 12;

impl Report {
    /// Remarks in lines for people. What is about several jails is said once.
    pub fn lines(remarks: &[Remark]) -> Vec<String> {
        let mut texts: Vec<(&str, Vec<&str>)> = Vec::new();
        for remark in remarks {
            let jail = remark.jail.as_deref();
            match texts.iter_mut().find(|(text, _)| *text == remark.text) {
                Some((_, jails)) => jails.extend(jail),
                None => texts.push((&remark.text, jail.into_iter().collect())),
            }
        }
        let line = |(text, jails): (&str, Vec<&str>)| match jails.as_slice() {
            [] => text.to_owned(),
            [jail] => format!("jail {jail}: {text}"),
            jails if jails.len() > NAMED => {
                let named = jails[..NAMED].join(", ");
                format!("jails {named} and {} more: {text}", jails.len() - NAMED)
            }
            jails => format!("jails {}: {text}", jails.join(", ")),
        };
        texts.into_iter().map(line).collect()
    }

    pub(super) fn changed(&mut self, jail: Option<&str>, text: impl Into<String>) {
        push(&mut self.changed, jail, text.into());
    }

    pub(super) fn left_out(&mut self, jail: Option<&str>, text: impl Into<String>) {
        push(&mut self.left_out, jail, text.into());
    }
}

fn push(remarks: &mut Vec<Remark>, jail: Option<&str>, text: String) {
    let remark = Remark {
        jail: jail.map(str::to_owned),
        text,
    };
    if !remarks.contains(&remark) {
        remarks.push(remark);
    }
}
