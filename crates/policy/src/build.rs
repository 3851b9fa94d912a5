//! From the file to the policy: what several values say together.
//!
//! The third of three types. Each section is built on its own and to its end, so that one mistake does not hide
//! the next; only when nothing at all is wrong does a [`Policy`] come out.

mod answers;
mod callers;
mod detectors;
mod gateway;
mod kinds;
mod limits;
mod rules;
mod warnings;
mod watch;
mod watch_warnings;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ratewarden_limiter::{Gcra, InvalidLimit, SlidingWindow};
use ratewarden_model::{Rate, format_duration};

use crate::file::File;
use crate::form::At;
use crate::notes::{Notes, Place, Span};
use crate::policy::{Plan, Policy, SecretSource};
use crate::table::Field;
use crate::words::{FilePath, Lasting, Variable};

/// What every section is built with.
pub(crate) struct Builder<'b> {
    /// The policy's folder.
    pub(crate) folder: &'b Path,
    /// The text of the file.
    pub(crate) text: &'b str,
    pub(crate) notes: &'b mut Notes,
    /// A file without a gateway is a mistake.
    pub(crate) needs_gateway: bool,
}

impl Builder<'_> {
    /// Builds the policy; `None` when there is any mistake, which is then noted.
    pub(crate) fn policy(&mut self, file: &File) -> Option<Policy> {
        let gateway = self.gateway(file);
        let tls = file.tls.value().and_then(|tls| self.tls(tls));
        let admin_token = file.admin.value().and_then(|admin| self.admin(admin));
        let trust = file.trust.value().and_then(|trust| self.trust(trust));
        let timeouts = file.timeouts.value().and_then(gateway::timeouts);
        let caps = file.caps.value().and_then(gateway::caps);
        let callers = self.callers(file);
        let credentials = file.credentials.value().and_then(|table| self.credentials(table));
        let plans = self.plans(file);
        let limits = self.limits(file);
        let bounds = self.bounds(file);
        let penalties = self.penalties(file);
        let answer = file.answer.value().and_then(answers::answer);
        let store = file.store.value().and_then(|store| Some(self.path(store.file.value()?)));
        let access_log = file.log.value().and_then(|log| self.access_log(log));
        let watch = file.watch.value().and_then(|watch| self.watch(watch));
        let detectors = self.detectors(file, &ratewarden_detect::detectors());
        let alerts = self.alerts(file);
        if !self.notes.is_clean() {
            return None;
        }
        let (detectors, bans) = detectors?;
        let policy = Policy {
            gateway,
            tls,
            admin_token,
            trust: trust?,
            timeouts: timeouts?,
            caps: caps?,
            callers: callers?,
            credentials: credentials?,
            plans: plans?,
            limits: limits?,
            bounds: bounds?,
            penalties: penalties?,
            answer: answer?,
            store,
            access_log: access_log?,
            watches: says_of_watching(file),
            watch: watch?,
            detectors,
            bans,
            alerts: alerts?,
        };
        self.warn(file, &policy);
        Some(policy)
    }

    /// A file name, relative to the policy's folder.
    fn path(&self, file: &FilePath) -> PathBuf {
        self.folder.join(&file.0)
    }

    /// Where a secret is kept, if it is anywhere.
    fn secret(&self, file: &Field<FilePath>, variable: &Field<Variable>) -> Option<SecretSource> {
        let from_file = file.value().map(|file| SecretSource::File(self.path(file)));
        from_file.or_else(|| variable.value().map(|name| SecretSource::Environment(name.0.clone())))
    }

    fn plans(&mut self, file: &File) -> Option<Vec<Plan>> {
        let root = Place::Root.key("plan");
        let mut names = Names::new("plan");
        let mut default = false;
        let mut plans = Vec::new();
        for plan in &file.plans.value()?.0 {
            let place = root.item(plan.index);
            if let Some(name) = plan.value.name.get() {
                names.add(&name.value.0, &name.span, &place, self.notes);
            }
            if let Some(At { value: true, span, .. }) = plan.value.default.get() {
                if default {
                    self.notes.mistake(span, &place.key("default"), "another plan is the default already");
                }
                default = true;
            }
            let built = || {
                Some(Plan { name: plan.value.name.value()?.0.clone(), default: *plan.value.default.value()? })
            };
            plans.extend(built());
        }
        Some(plans)
    }

    /// Notes a first time that is longer than the longest.
    fn no_longer<const MAX: u64>(
        &mut self,
        (name, first): (&str, &Field<Lasting<MAX>>),
        (longest_name, longest): (&str, &Field<Lasting<MAX>>),
        place: &Place<'_>,
    ) {
        let (Some(one), Some(most)) = (first.get(), longest.get()) else { return };
        if one.value.0 <= most.value.0 {
            return;
        }
        let (one_is, most_is) = (format_duration(one.value.0), format_duration(most.value.0));
        // What is marked is what stands in the file, rather than a default.
        if longest.is_written() {
            let message = format!("{most_is} is shorter than `{name}`, which is {one_is}");
            self.notes.mistake(&most.span, &place.key(longest_name), message);
        } else {
            let message =
                format!("{one_is} is longer than `{longest_name}`, which is {most_is} when left out");
            self.notes.mistake(&one.span, &place.key(name), message);
        }
    }

    /// Notes a rate that no limit can count.
    fn countable(&mut self, rate: &At<Rate>, place: &Place<'_>) {
        if let Err(fault) = countable(rate.value) {
            self.notes.mistake(&rate.span, place, fault.to_string());
        }
    }
}

/// Whether anything of watching stands in the file.
const fn says_of_watching(file: &File) -> bool {
    file.watch.is_written()
        || file.detectors.is_written()
        || file.alert.is_written()
        || file.alerts.is_written()
}

fn countable(rate: Rate) -> Result<(), InvalidLimit> {
    let calls = u32::try_from(rate.calls).ok().and_then(std::num::NonZeroU32::new);
    let calls = calls.ok_or(InvalidLimit::TooMany { most: u64::from(u32::MAX) })?;
    SlidingWindow::new(calls, rate.per)?;
    Gcra::new(calls.into(), rate.per, calls.into())?;
    Ok(())
}

/// Names that must differ.
struct Names {
    what: &'static str,
    taken: BTreeSet<String>,
}

impl Names {
    const fn new(what: &'static str) -> Self {
        Self { what, taken: BTreeSet::new() }
    }

    fn add(&mut self, name: &str, span: &Span, place: &Place<'_>, notes: &mut Notes) {
        if !self.taken.insert(name.to_owned()) {
            let message = format!("the name `{name}` is taken by an earlier {}", self.what);
            notes.mistake(span, &place.key("name"), message);
        }
    }
}
