//! Sessions: lines that belong together by an id that each of them has.
//!
//! What a line of a session says may be no failure by itself, and become one with a later line, or
//! be forgiven by it. The rules and the bounds are fail2ban's, for both dialects.

use std::{collections::HashMap, time::Duration};

use super::fields::{Fields, Value};
use crate::model::Wall;

/// How many sessions a filter remembers for one log; beyond that the oldest goes.
pub const SESSIONS: usize = 100;

/// How long a session is remembered after its first line.
pub const SESSION_TIME: Duration = Duration::from_mins(5);

/// The sessions of one log.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: HashMap<String, Session>,
    begun: u64,
    evicted: u64,
}

#[derive(Debug)]
struct Session {
    fields: Fields,
    number: u64,
    until: Wall,
}

impl Sessions {
    /// How many were forgotten because there were too many.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// What is known of a session together with what this line, `fail`, adds to it. The caller
    /// looks at the result, and [puts it back](Self::store) with what it wrote into it.
    pub(super) fn merge(&mut self, id: &str, mut fail: Fields, now: Wall) -> Merged {
        let gained = fail.has("mlfgained");
        // A line that forgives is no failure itself.
        if gained && !fail.has("nofail") {
            let value = fail.get("mlfgained").cloned();
            fail.set(&"nofail".into(), value);
        }
        let forget = fail.take("mlfforget").is_some();
        let user = (fail.get("user").cloned()).filter(Value::says_something);

        let known = match self.known.remove(id) {
            Some(session) if session.until > now => Some(session),
            _ => None,
        };
        let mut users = 0;
        let (mut fields, place) = match known {
            Some(mut session) => {
                users = add_user(&mut session.fields, user);
                session.fields.take("nofail");
                session.fields.take("mlfgained");
                if gained {
                    session.fields.take("mlfpending");
                }
                session.fields.update(fail);
                (session.fields, Some((session.number, session.until)))
            }
            None if forget => (fail, None),
            None => {
                users = add_user(&mut fail, user);
                (fail, None)
            }
        };
        // What was pending is a failure now, and so is a second name: else one good login would
        // forgive the guesses at all other accounts.
        if fields.take("mlfpending").is_some() || users > 1 {
            fields.take("nofail");
            fields.take("mlfgained");
        }
        Merged {
            fields,
            remember: !forget,
            place,
        }
    }

    /// Remembers what [`Self::merge`] gave.
    pub(super) fn store(&mut self, id: String, merged: Merged, now: Wall) {
        if !merged.remember {
            return;
        }
        let (number, until) = merged.place.unwrap_or_else(|| {
            self.make_room(now);
            self.begun += 1;
            (self.begun, now.after(SESSION_TIME))
        });
        let session = Session {
            fields: merged.fields,
            number,
            until,
        };
        self.known.insert(id, session);
    }

    /// Those whose time is over go, as long as they are the oldest, and then one more.
    fn make_room(&mut self, now: Wall) {
        if self.known.len() < SESSIONS {
            return;
        }
        loop {
            let oldest = self.known.iter().min_by_key(|(_, session)| session.number);
            let Some((id, over)) = oldest.map(|(id, s)| (id.clone(), s.until <= now)) else {
                return;
            };
            self.known.remove(&id);
            if !over {
                self.evicted += 1;
                return;
            }
        }
    }
}

/// A session with its latest line.
pub(super) struct Merged {
    /// All that is known of it. With something under `nofail` it is innocent so far.
    pub(super) fields: Fields,
    remember: bool,
    place: Option<(u64, Wall)>,
}

/// Notes a user of a session; how many it has named.
fn add_user(fields: &mut Fields, user: Option<Value>) -> usize {
    let mut users = match fields.get("users") {
        Some(Value::Users(users)) => users.clone(),
        _ => Vec::new(),
    };
    if let Some(user) = user {
        if !users.contains(&user) {
            users.push(user);
        }
        fields.put("users", Value::Users(users.clone()));
    }
    users.len()
}
