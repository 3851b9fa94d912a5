//! What the gateway's findings lead to beside the log: alerts; and where addresses are.
//!
//! Alerts have an outbox of their own beside that of `watch`, so that both can have the same policy. Only one process has
//! an outbox: a successor that takes over waits until its predecessor is gone, and keeps what is to be told meanwhile.

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratewarden_alerts::{Alerts, Config, OpenError, StartError};
use ratewarden_guard::{Geography, News, Surroundings};
use ratewarden_policy::{self as policy, Policy, Watch};
use ratewarden_watch::{Places, alert_state, alerts_config, geo, host_name, wall_ms};

/// The outbox, in the policy's `watch.state`.
const OUTBOX: &str = "gateway-outbox";

/// News that wait for the outbox; what is older is left out, and that is said.
const WAITING: usize = 1_024;

/// How long alerts may take to go out at the end.
const LAST: Duration = Duration::from_secs(5);

/// Findings of the gateway, on their way to people.
#[derive(Debug)]
pub(super) struct Findings {
    alerting: Mutex<Alerting>,
}

#[derive(Debug)]
struct Alerting {
    /// What the policy in force wants.
    wanted: Option<Wanted>,
    running: Option<Alerts>,
    /// For the outbox, while another process has it.
    waiting: VecDeque<(News, i64)>,
    /// Another process may have the outbox for a while.
    is_patient: bool,
}

#[derive(Debug, Clone)]
struct Wanted {
    alerts: policy::Alerts,
    folder: PathBuf,
    config: Box<Config>,
}

type Failed = Box<dyn Error + Send + Sync>;

impl Findings {
    /// Nothing yet. `is_patient`: a predecessor may still have the outbox.
    pub(super) fn new(is_patient: bool) -> Self {
        let alerting = Alerting { wanted: None, running: None, waiting: VecDeque::new(), is_patient };
        Self { alerting: Mutex::new(alerting) }
    }

    /// Tries again to have the outbox, where another process had it.
    pub(super) fn look(&self) {
        let mut alerting = self.lock();
        if let Err(error) = alerting.begin() {
            let error = chain(&*error);
            tracing::error!(error, "Alerts cannot be sent.");
            alerting.wanted = None;
        }
    }

    /// Lets alerts go out, for a while; what remains is on the disk.
    pub(super) fn end(&self) {
        let mut alerting = self.lock();
        if let Some(alerts) = alerting.running.take()
            && !alerts.flush(LAST)
        {
            tracing::info!("Alerts wait in the outbox for the next start.");
        }
        if !alerting.waiting.is_empty() {
            tracing::error!("Another process has the outbox of alerts; findings were not sent.");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Alerting> {
        self.alerting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Surroundings for Findings {
    fn policy(&self, policy: &Policy) -> Result<(), Failed> {
        let wanted = wanted(policy)?;
        let mut alerting = self.lock();
        let is_same = match (&alerting.wanted, &wanted) {
            (Some(before), Some(now)) => before.alerts == now.alerts && before.folder == now.folder,
            (None, None) => true,
            _ => false,
        };
        if is_same {
            return Ok(());
        }
        alerting.wanted = wanted;
        // Its outbox is free as soon as its last try has ended.
        let had_some = alerting.running.take().is_some();
        alerting.is_patient |= had_some;
        alerting.begin()
    }

    fn geography(&self, watch: &Watch) -> Result<Option<Box<dyn Geography>>, Failed> {
        let Some(file) = &watch.geoip else { return Ok(None) };
        let files = geo::Geography::open(file, watch.geoip_asn.as_deref())?;
        Ok(Some(Box::new(Places::new(files))))
    }

    fn told(&self, news: &[News]) {
        let mut alerting = self.lock();
        if alerting.wanted.is_none() {
            return;
        }
        let now_ms = wall_ms();
        alerting.waiting.extend(news.iter().map(|news| (news.clone(), now_ms)));
        alerting.hand_over();
    }
}

impl Alerting {
    /// Starts alerts that are wanted and do not run.
    fn begin(&mut self) -> Result<(), Failed> {
        let Some(wanted) = self.wanted.as_ref().filter(|_| self.running.is_none()) else { return Ok(()) };
        match Alerts::start(&wanted.config, &wanted.folder) {
            Ok(alerts) => self.running = Some(alerts),
            Err(StartError::Outbox(OpenError::Taken { .. })) if self.is_patient => return Ok(()),
            Err(error) => return Err(Box::new(error)),
        }
        self.is_patient = false;
        self.hand_over();
        Ok(())
    }

    /// Hands what waits to the outbox.
    fn hand_over(&mut self) {
        let Some(alerts) = &self.running else {
            let left_out = self.waiting.len().saturating_sub(WAITING);
            if left_out > 0 {
                self.waiting.drain(..left_out);
                tracing::error!(left_out, "Another process has the outbox of alerts; findings are left out.");
            }
            return;
        };
        while let Some((_, at_ms)) = self.waiting.front() {
            let at_ms = *at_ms;
            let together = self.waiting.iter().take_while(|(_, at)| *at == at_ms).count();
            let news: Vec<News> = self.waiting.drain(..together).map(|(news, _)| news).collect();
            let events: Vec<_> = news.iter().map(|news| (&news.finding, alert_state(news.state))).collect();
            // What the disk does not take goes on from memory, which is said.
            let _ = alerts.handle_all(&events, at_ms);
        }
    }
}

/// What a policy wants of alerts.
fn wanted(policy: &Policy) -> Result<Option<Wanted>, Failed> {
    let Some(config) = alerts_config(&policy.alerts, &host_name())? else { return Ok(None) };
    let Some(state) = &policy.watch.state else {
        return Err("the policy has [[alert]] tables, and `state` in its [watch] names no folder for what \
                    waits to be sent"
            .into());
    };
    config.check()?;
    let folder = state.join(OUTBOX);
    Ok(Some(Wanted { alerts: policy.alerts.clone(), folder, config: Box::new(config) }))
}

/// An error and its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
