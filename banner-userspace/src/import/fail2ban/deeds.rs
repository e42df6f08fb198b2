//! What the actions of a jail come to.

use super::{
    Fail2ban, Jail,
    ban_actions::{Action, Scope},
    mails::Mail,
    report::Report,
    ways::{SILENT, Way},
};

/// What is done to those whom a jail finds, in words of ours.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    /// For which ports they are banned; empty: they are not.
    pub(super) scopes: Vec<Scope>,
    /// With what, beside XDP.
    pub(super) ways: Vec<Way>,
    /// Who is told by mail.
    pub(super) mails: Vec<Mail>,
}

impl Fail2ban {
    /// All of a jail's actions; none for a jail that lets hosts in, which is left out.
    pub(super) fn deeds(
        &self,
        jail: &Jail,
        report: &mut Report,
        comments: &mut Vec<String>,
    ) -> Option<Deeds> {
        let mut deeds = Deeds::default();
        for action in &jail.actions {
            match self.action(action, &jail.options) {
                Action::Ban(ban) => {
                    for text in ban.changed {
                        // That holds for all of them.
                        let jail = (text != SILENT).then_some(jail.name.as_str());
                        report.changed(jail, text);
                    }
                    deeds.scopes.push(ban.scope);
                    deeds.ways.extend(ban.way);
                }
                Action::Allow => {
                    let text = "the jail as a whole: it lets hosts in, and banner keeps them out";
                    report.left_out(Some(&jail.name), text);
                    return None;
                }
                Action::Mail(mail) => {
                    for text in &mail.odd {
                        let text = format!("action {}: {text} is no mail address", action.name);
                        comments.push(format!("Left out: {text}."));
                        report.left_out(Some(&jail.name), text);
                    }
                    deeds.mails.push(mail);
                }
                Action::Other(why) => {
                    report.left_out(
                        Some(&jail.name),
                        format!("action {}: it {why}", action.name),
                    );
                    comments.push(format!("Left out: action {}, which {why}.", action.name));
                }
            }
        }
        Some(deeds)
    }
}
