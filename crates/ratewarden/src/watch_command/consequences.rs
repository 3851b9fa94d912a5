//! What findings lead to while logs are followed: alerts, and bans.
//!
//! Alerts and bans are on the disk before the position in the logs moves on.

use std::io;
use std::path::Path;
use std::time::Duration;

use ratewarden_alerts::{Alerts, Kept};
use ratewarden_guard::Operator;
use ratewarden_policy::{Penalties, Policy};
use ratewarden_watch::{
    Ban, BanFile, Bans, Decision, FarBehind, FindingBans, Late, Live, News, NewsState, Step, Unwritten,
    alert_state, alerts_config, host_name, read_secret, wall_ms,
};

use super::full::Full;
use super::placing::Placing;
use super::unsaved::Unsaved;
use crate::errors::{Exit, Failure};
use crate::stderr;

/// How long alerts may take to go out at the end.
const LAST: Duration = Duration::from_secs(5);

/// Alerts and bans.
pub(super) struct Consequences {
    alerts: Option<Alerts>,
    late: Late,
    behind: FarBehind,
    bans: Bans,
    place: Place,
    full: Full,
    /// Of the place, and of the history.
    unsaved: [Unsaved; 2],
}

/// What to do about a log whose clock is far behind.
const BEHIND: &str = "write local time with its offset, or UTC, into the log, or say with --utc-offset what it is; keep its host's clock by NTP";

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
            return Ok(Self::new(None, Bans::default(), Place::Nowhere, decisions.late_ms()));
        };
        let place = match &policy.watch.penalties {
            _ if dry_run => Place::Nowhere,
            None => Place::Nowhere,
            Some(Penalties::File(path)) => Place::File(ban_file(path)?),
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
                Place::Gateway(Placing::start(operator, state, is_exempt).map_err(unread)?)
            }
        };
        let alerts = if dry_run { None } else { alerts(policy, state)? };
        // What is only told of is told of in each run.
        let kept = state.filter(|_| !matches!(place, Place::Nowhere));
        let kept = kept.map(|folder| Bans::kept_in(folder, wall_ms())).transpose();
        let (bans, said) = kept.map_err(unread)?.unwrap_or_default();
        said.iter().for_each(|said| stderr::note(said));
        Ok(Self::new(alerts, bans, place, decisions.late_ms()))
    }

    fn new(alerts: Option<Alerts>, bans: Bans, place: Place, late_ms: i64) -> Self {
        Self {
            alerts,
            late: Late::by(late_ms),
            behind: FarBehind::by(late_ms),
            bans,
            place,
            full: Full::default(),
            unsaved: Default::default(),
        }
    }

    /// Follows up what has opened and ended. When it returns alerts are on the disk, as far as the disk takes them.
    pub(super) fn follow_up(&mut self, live: &mut Live, Step { news, more, .. }: &Step) {
        let now_ms = wall_ms();
        if let Some(said) = self.behind.note(now_ms, live.newest_ms(), *more) {
            stderr::error(&said);
            stderr::hint(BEHIND);
        }
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
            if let (NewsState::Ended, Place::Gateway(placing)) = (one.state, &self.place) {
                placing.ended(&one.finding.fingerprint);
            }
            let decision = self.bans.decide(decisions, one, now_ms);
            decision.into_iter().for_each(|decision| self.do_it(decisions, decision, now_ms));
        }
        // What has come to nothing is none, so it is not one that has ended.
        self.take_back(decisions, now_ms);
        // After what has ended was heard of: it needs no further ban.
        let open = if Bans::is_due(decisions, now_ms) { live.open_findings() } else { Vec::new() };
        let decisions = live.bans();
        for again in self.bans.look(decisions, &open, now_ms) {
            self.do_it(decisions, again, now_ms);
        }
        self.take_back(decisions, now_ms);
    }

    fn do_it(&mut self, decisions: &mut FindingBans, decision: Decision, now_ms: i64) {
        match decision {
            Decision::Not(why) => stderr::note(&why),
            Decision::Ban(ban) => self.place(decisions, ban, now_ms),
        }
    }

    /// Bans that the gateway does not get count as none.
    fn take_back(&self, decisions: &mut FindingBans, now_ms: i64) {
        let Place::Gateway(placing) = &self.place else { return };
        for (ban, again) in placing.take_lost(now_ms) {
            self.bans.come_to_nothing(decisions, &ban, now_ms, again);
        }
    }

    /// Whether every alert and every ban is on the disk, so that the position in the logs may move on. What is not is said
    /// once.
    pub(super) fn are_safe(&mut self) -> bool {
        let [of_place, of_history] = &mut self.unsaved;
        let are_placed = match &mut self.place {
            Place::Nowhere => true,
            Place::File(file) => {
                let secured = file.secure();
                let path = file.path().display();
                let cannot =
                    |error: &io::Error| format!("bans cannot be written to {path}: {error}; trying again");
                of_place.note(secured, cannot, || format!("bans are written to {path} again"))
            }
            Place::Gateway(placing) => {
                let path = placing.path().unwrap_or(Path::new("")).display();
                let cannot = |error: &io::Error| {
                    format!("bans on their way cannot be saved in {path}: {error}; a crash would lose them")
                };
                of_place
                    .note(placing.save(), cannot, || format!("bans on their way are saved in {path} again"))
            }
        };
        // After the bans: a ban that is only in the history would never be placed.
        let are_kept = are_placed && {
            let saved = self.bans.save(wall_ms());
            let path = self.bans.path().unwrap_or(Path::new("")).display();
            let cannot = |error: &io::Error| {
                format!("the history of bans cannot be saved in {path}: {error}; a restart would ban again")
            };
            of_history.note(saved, cannot, || format!("the history of bans is saved in {path} again"))
        };
        are_kept && self.alerts.as_ref().is_none_or(|alerts| alerts.status().kept == Kept::OnDisk)
    }

    fn place(&mut self, decisions: &mut FindingBans, ban: Ban, now_ms: i64) {
        let shown =
            format!("{} {} until {} ({})", ban.subject.kind(), ban.subject.label(), ban.until, ban.reason);
        match &mut self.place {
            Place::Nowhere => stderr::note(&format!("would be banned: {shown}")),
            Place::File(file) => {
                let path = file.path().display().to_string();
                let added = file.add(&ban);
                if !matches!(added, Err(Unwritten::Full))
                    && let Some(count) = self.full.has_room()
                {
                    stderr::note(&format!("there is room for bans again; {count} had none: {path}"));
                }
                match added {
                    Ok(()) => stderr::note(&format!("banned: {shown}")),
                    Err(Unwritten::Waits(error)) => stderr::error(&format!(
                        "the ban of {shown} could not be written to {path}: {error}; trying again"
                    )),
                    Err(Unwritten::Full) => {
                        let (is_first, again) = self.full.leave_out(now_ms);
                        if is_first {
                            stderr::error(&format!(
                                "too many bans wait for {path}; further ones are tried again while what they are for goes \
                                 on: {shown}"
                            ));
                        }
                        self.bans.come_to_nothing(decisions, &ban, now_ms, again);
                    }
                }
            }
            Place::Gateway(placing) => placing.place(ban),
        }
    }

    /// Lets alerts go out, for a while; what remains is on the disk.
    pub(super) async fn end(self) {
        let Some(alerts) = self.alerts else { return };
        let _ = tokio::task::spawn_blocking(move || alerts.flush(LAST)).await;
    }
}

/// A document of bans may be whole: what cannot be read now is not thrown away.
fn unread(error: io::Error) -> Failure {
    let hint =
        "make the folder of states readable; without what stands there, bans would be placed again or lost";
    Failure::new(Exit::Usage, error, hint).context("bans of the last run cannot be read")
}

fn ban_file(path: &Path) -> Result<BanFile, Failure> {
    let file = BanFile::new(path.to_owned());
    match file.check() {
        // What else is wrong may be mended while logs are followed.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let hint = "name a regular file; a reader that wants a pipe can follow it with `tail -F`";
            Err(Failure::new(Exit::Usage, error, hint)
                .context(format!("bans cannot be written to {}", path.display())))
        }
        Ok(()) | Err(_) => Ok(file),
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
