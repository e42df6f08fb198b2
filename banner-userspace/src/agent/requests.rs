//! Answers at the control socket. Who asked may have gone meanwhile.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use tracing::{error, info, warn};

use super::{clock, run::Running, status};
use crate::{
    control::{
        AllUnbanned, BanOrder, Banned, RefusedBan, Request, Stopping, Time, Tracing, Unbanned,
        shown,
    },
    decide::{Cursor, Decision, Outcome, Refusal, until},
    enforce::xdp::Xdp,
    model::{Ban, Change, JailId, Mode, Now, Ports, PortsId, Quiet},
};

/// When it is tried again to put programs in place that trace nothing.
const TRACE_RETRY: Duration = Duration::from_secs(10);

/// How long a ban lasts of which nobody says how long.
const BAN_TIME: Duration = Duration::from_hours(1);

impl Running {
    /// Answers somebody at the control socket.
    pub(super) fn answer(&mut self, request: Request) {
        let now = clock::now();
        match request {
            Request::Status(reply) => {
                self.look_at_programs(now);
                let _ = reply.send(status::status(self, now.mono));
            }
            Request::Jail(name, reply) => {
                let _ = reply.send(self.jail_detail(&name, now));
            }
            Request::Bans(limit, after, reply) => {
                let page = status::bans(self, limit, Cursor::from_number(after), now.mono);
                let _ = reply.send(page);
            }
            Request::Top(limit, reply) => {
                let _ = reply.send(status::top(self, limit).map_err(|error| error.to_string()));
            }
            Request::Ban(order, reply) => {
                let _ = reply.send(self.ban(&order, now));
            }
            Request::Unban(net, reply) => {
                let _ = reply.send(self.unban(net, now));
            }
            Request::UnbanSome(most, reply) => {
                let mut out = Outcome::default();
                let unbanned = self.agent.decider.lift_some(most, &mut out);
                self.enforce(&out, now);
                let more = !self.agent.decider.is_empty();
                let _ = reply.send(AllUnbanned { unbanned, more });
            }
            Request::Explain(net, reply) => self.explain(net, reply, now),
            Request::Reload(reply) => self.reload(Some(reply)),
            Request::Stop(reply) => {
                let (v4, v6) = self.agent.decider.entries();
                let _ = reply.send(Stopping {
                    pid: std::process::id(),
                    bans: v4 + v6,
                });
                self.stopping = true;
            }
            Request::Trace(Some((address, time)), reply) => {
                let _ = reply.send(self.trace(address, time, now));
            }
            Request::Trace(None, reply) => {
                self.trace_no_more(now);
                let _ = reply.send(Ok(Tracing::default()));
            }
        }
    }

    fn trace(&mut self, address: IpAddr, time: Duration, now: Now) -> Result<Tracing, String> {
        if let Some(until) = self.traced_until {
            let left = until.since(now.mono).as_secs();
            return Err(format!(
                "another address is being traced, for {left} s yet (DELETE /v1/trace ends it)"
            ));
        }
        // Also if it fails on one of several interfaces.
        self.traced_until = Some(now.mono.after(time));
        let Some(xdp) = &mut self.agent.xdp else {
            self.traced_until = None;
            return Err("packets are traced by the XDP program, which is not in use".into());
        };
        let programs = xdp.trace(Some(address)).map_err(|error| {
            self.trace_no_more(now);
            error.to_string()
        })?;
        // From now: to verify programs that trace takes most of a second where there is little time.
        self.traced_until = Some(clock::now().mono.after(time));
        info!("packets of {address} are traced for {} s", time.as_secs());
        let interfaces = self.agent.xdp.iter().flat_map(Xdp::attachments);
        let interfaces = interfaces.map(|on| (on.index, on.interface.clone()));
        Ok(Tracing {
            programs,
            interfaces: interfaces.collect(),
        })
    }

    /// Puts programs in place that trace nothing, if others are.
    pub(super) fn trace_no_more(&mut self, now: Now) {
        if self.traced_until.is_none() {
            return;
        }
        let Some(xdp) = &mut self.agent.xdp else {
            self.traced_until = None;
            return;
        };
        match xdp.trace(None) {
            Ok(_) => {
                self.traced_until = None;
                info!("packets are traced no more");
            }
            Err(error) => {
                self.traced_until = Some(now.mono.after(TRACE_RETRY));
                error!("packets are still traced, which costs time and harms nothing: {error}");
            }
        }
    }

    fn unban(&mut self, net: IpNet, now: Now) -> Unbanned {
        let mut out = Outcome::default();
        let was_banned = self.agent.decider.lift(net, &mut out);
        self.agent.decider.forget(net);
        self.agent.pipeline.forgive(net);
        self.agent.keeper.forgive(net, now.mono);
        if out.changes.is_empty() {
            // Whatever the map may hold of it.
            let ports = PortsId::ALL;
            out.changes.push(Change::Clear { net, ports });
        }
        self.enforce(&out, now);
        let within = self.agent.decider.around(net);
        Unbanned {
            net: shown(net),
            was_banned,
            within: within.into_iter().map(shown).collect(),
        }
    }

    /// Bans who is asked for, or says why not.
    fn ban(&mut self, order: &BanOrder, now: Now) -> Result<Banned, String> {
        let jail = order
            .jail
            .as_deref()
            .map(|name| self.jail(name))
            .transpose()?;
        let rules = jail.and_then(|jail| self.agent.decider.rules(jail));
        let mode = order.mode.or(rules.map(|rules| rules.mode));
        let time = rules.map_or(Some(BAN_TIME), |rules| rules.ban_time);
        let renew = order
            .renew
            .or(rules.map(|rules| rules.renew))
            .unwrap_or(false);
        let of_jail = rules.map(|rules| rules.ports);
        let ports = match &order.ports {
            None => of_jail.unwrap_or(PortsId::ALL),
            Some(None) => PortsId::ALL,
            Some(Some(_)) if order.check => PortsId::ALL,
            Some(Some(ports)) => self.ports(ports)?,
        };
        let mut banned = Banned::default();
        let mut out = Outcome::default();
        if order.force && !order.check {
            let nets = order.bans.iter().map(|(net, _)| *net);
            let nets: Vec<_> = nets
                .filter(|net| self.cannot_force(*net).is_none())
                .collect();
            self.force(&nets, now)?;
        }
        for (index, &(net, own)) in order.bans.iter().enumerate() {
            let time = own.or(order.time).map_or(time, Time::duration);
            let ban = Ban {
                net,
                ports,
                jail,
                mode: mode.unwrap_or(Mode::Enforce),
                until: until(time, now.mono),
                quiet: time.filter(|_| renew).map(Quiet::new),
            };
            let forbidden = if order.force {
                self.cannot_force(net)
            } else {
                let never = self.agent.decider.never();
                never.covers(net).then_some(Refusal::Never)
            };
            let answer = match forbidden {
                Some(refusal) => Err(refusal),
                None if order.check => Ok(()),
                None => self.agent.decider.ask(ban, &mut out),
            };
            match answer {
                Ok(()) => banned.banned += 1,
                Err(refusal) => banned.refused.push(RefusedBan {
                    index,
                    net: shown(net),
                    why: refusal.to_string(),
                }),
            }
        }
        let displaced = |decision: &&Decision| matches!(decision, Decision::Displaced(_));
        banned.displaced = out.decisions.iter().filter(displaced).count();
        banned.pending = self.enforce(&out, now);
        banned.banned -= banned.pending.min(banned.banned);
        Ok(banned)
    }

    fn jail(&self, name: &str) -> Result<JailId, String> {
        let jails = &self.agent.config.jails;
        let known = (jails.iter()).position(|jail| jail.name == name && !jail.retired);
        let id = known.and_then(|place| u16::try_from(place).ok());
        id.map(JailId).ok_or_else(|| self.no_jail(name))
    }

    /// The number of a set of ports, which enforcers know when this returns.
    pub(super) fn ports(&mut self, ports: &Ports) -> Result<PortsId, String> {
        let agent = &mut self.agent;
        let mut sets = agent.ports.clone();
        let id = sets.intern(ports).or_else(|_| {
            // Those of bans that are over are free again.
            sets.retain(|id| agent.decider.uses(id));
            sets.intern(ports)
        });
        let id = id.map_err(|too_many| too_many.to_string())?;
        if sets != agent.ports {
            if let Some(xdp) = &mut agent.xdp {
                let advice = xdp.set_ports(&mut sets);
                for advice in advice.map_err(|error| error.to_string())? {
                    warn!("{}", advice.0);
                }
            }
            agent.ways.set_ports(&sets)?;
            agent.ports = sets;
        }
        Ok(id)
    }
}
