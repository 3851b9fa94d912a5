//! What findings lead to while logs are followed: alerts, and bans.
//!
//! Alerts and bans are on the disk before the position in the logs moves on.

use std::path::Path;
use std::time::Duration;

use ratewarden_alerts::{Alerts, Kept};
use ratewarden_guard::Operator;
use ratewarden_policy::{Penalties, Policy};
use ratewarden_watch::{
    Ban, BanFile, Bans, Decision, FindingBans, Late, Live, News, alert_state, alerts_config, host_name,
    read_secret, wall_ms,
};

use super::placing::Placing;
use crate::errors::{Exit, Failure};
use crate::stderr;

/// How long alerts may take to go out at the end.
const LAST: Duration = Duration::from_secs(5);

/// Alerts and bans.
pub(super) struct Consequences {
    alerts: Option<Alerts>,
    late: Late,
    bans: Bans,
    place: Place,
}

/// Where bans go.
enum Place {
    /// They are told of, and nothing else.
    Nowhere,
    File(BanFile),
    Gateway(Placing),
}

impl Consequences {
    /// What the policy wants; without one findings are only printed. `state` is where the outbox is.
    pub(super) fn start(
        policy: Option<&Policy>,
        state: Option<&Path>,
        dry_run: bool,
        decisions: &FindingBans,
    ) -> Result<Self, Failure> {
        let Some(policy) = policy else {
            let (late, bans) = (Late::default(), Bans::default());
            return Ok(Self { alerts: None, late, bans, place: Place::Nowhere });
        };
        let place = match &policy.watch.penalties {
            _ if dry_run => Place::Nowhere,
            None => Place::Nowhere,
            Some(Penalties::File(path)) => Place::File(BanFile::new(path.clone())),
            Some(Penalties::Admin { server, token }) => {
                if server.https {
                    return Err(Failure::usage(
                        "`watch.penalties` names an admin listener with https",
                        "the admin listener has no TLS of its own: write http:// and reach it over loopback or a tunnel",
                    ));
                }
                let token = token.as_ref().map(read_secret).transpose();
                let token = token.map_err(|error| {
                    Failure::new(
                        Exit::Usage,
                        error,
                        "`token-file` of `watch.penalties` names the gateway's admin token",
                    )
                })?;
                let host = if server.host.contains(':') {
                    format!("[{}]", server.host)
                } else {
                    server.host.clone()
                };
                let operator = Operator::new(
                    &format!("{host}:{}", server.port),
                    token.as_ref().map(ratewarden_model::Secret::expose),
                );
                let operator = operator.map_err(|error| {
                    Failure::new(Exit::Usage, error, "a token is visible ASCII characters on one line")
                })?;
                let is_exempt = |ban: &Ban| decisions.is_exempt(&ban.subject);
                Place::Gateway(Placing::start(operator, state, is_exempt))
            }
        };
        let alerts = if dry_run { None } else { alerts(policy, state)? };
        Ok(Self { alerts, late: Late::default(), bans: Bans::default(), place })
    }

    /// Follows up what has opened and ended. When it returns alerts are on the disk, as far as the disk takes them.
    pub(super) fn follow_up(&mut self, live: &mut Live, news: &[News]) {
        let now_ms = wall_ms();
        // What is long over wakes nobody: a log may be read from its beginning. What goes on does.
        let mut told: Vec<&News> = news.iter().filter(|news| self.late.is_timely(news, now_ms)).collect();
        let going_on = self.late.going_on(now_ms, live.newest_ms(), || live.open_findings());
        told.extend(&going_on);
        if let Some(alerts) = self.alerts.as_ref().filter(|_| !told.is_empty()) {
            let told: Vec<_> = told.iter().map(|news| (&news.finding, alert_state(news.state))).collect();
            // What the disk did not take is asked for before the position is saved.
            let _ = alerts.handle_all(&told, now_ms);
        }
        let decisions = live.bans();
        for one in news.iter().chain(&going_on) {
            let decision = self.bans.decide(decisions, one, now_ms);
            decision.into_iter().for_each(|decision| self.do_it(decision));
        }
        // After what has ended was heard of: it needs no further ban.
        for again in self.bans.look(decisions, now_ms) {
            self.do_it(again);
        }
    }

    fn do_it(&mut self, decision: Decision) {
        match decision {
            Decision::Not(why) => stderr::note(&why),
            Decision::Ban(ban) => self.place(ban),
        }
    }

    /// Whether every alert and every ban is on the disk, so that the position in the logs may move on.
    pub(super) fn are_safe(&mut self) -> bool {
        let bans = match &mut self.place {
            Place::Nowhere => true,
            Place::File(file) => file.secure().is_ok(),
            Place::Gateway(placing) => placing.save(),
        };
        bans && self.alerts.as_ref().is_none_or(|alerts| alerts.status().kept == Kept::OnDisk)
    }

    fn place(&mut self, ban: Ban) {
        let shown =
            format!("{} {} until {} ({})", ban.subject.kind(), ban.subject.label(), ban.until, ban.reason);
        match &mut self.place {
            Place::Nowhere => stderr::note(&format!("would be banned: {shown}")),
            Place::File(file) => match file.add(&ban) {
                Ok(()) => stderr::note(&format!("banned: {shown}")),
                Err(error) => stderr::error(&format!(
                    "the ban of {shown} could not be written to {}: {error}; trying again",
                    file.path().display()
                )),
            },
            Place::Gateway(placing) => {
                if !placing.place(ban) {
                    stderr::error(&format!("too many bans wait for the gateway; left out: {shown}"));
                }
            }
        }
    }

    /// Lets alerts go out, for a while; what remains is on the disk.
    pub(super) async fn end(self) {
        let Some(alerts) = self.alerts else { return };
        let _ = tokio::task::spawn_blocking(move || alerts.flush(LAST)).await;
    }
}

fn alerts(policy: &Policy, state: Option<&Path>) -> Result<Option<Alerts>, Failure> {
    let host = host_name();
    let hint = "docs/alerts.md says what each receiver needs";
    let config =
        alerts_config(&policy.alerts, &host).map_err(|error| Failure::new(Exit::Usage, error, hint))?;
    let Some(config) = config else { return Ok(None) };
    let Some(state) = state else {
        return Err(Failure::usage(
            "the policy has `[[alert]]` tables, and there is no folder for what waits to be sent",
            "name one with --state, or with `state` in the policy's `[watch]`",
        ));
    };
    Alerts::start(&config, &state.join("outbox"))
        .map(Some)
        .map_err(|error| Failure::new(Exit::Usage, error, hint).context("alerts cannot be started"))
}
