//! Detectors: those that are built in, as the file changes them, and its own.

use ratewarden_detect::{By, Detector, Filter, Kind, MAX_DETECTORS, Statuses};
use ratewarden_model::{Severity, rules};

use super::{Builder, Names};
use crate::file::{self, File};
use crate::form::{At, Choice, Either, OneOf, Several};
use crate::notes::{Place, Span, short};
use crate::policy::BanRule;
use crate::table::Field;
use crate::words::{as_rule_name, is_rule_name};

/// Detectors that a file may add.
const MAX_OWN: usize = 64;

/// Where the table of a detector stands, and what it changes.
struct Spot<'s> {
    span: &'s Span,
    place: &'s Place<'s>,
    name: &'s At<crate::words::Name>,
    /// The built-in detector of its name.
    built_in: Option<&'s Detector>,
    /// All that are built in.
    known: &'s [Detector],
}

impl Builder<'_> {
    /// The detectors `built_in` with what the file says of them, and the bans they lead to.
    pub(super) fn detectors(
        &mut self,
        file: &File,
        built_in: &[Detector],
    ) -> Option<(Vec<Detector>, Vec<BanRule>)> {
        let root = Place::Root.key("detector");
        let mut names = Names::new("detector");
        let (mut all, mut bans, mut own) = (built_in.to_vec(), Vec::new(), 0);
        for At { value: table, span, index } in &file.detectors.value()?.0 {
            let place = root.item(*index);
            let Some(name) = table.name.get() else { continue };
            names.add(&name.value.0, &name.span, &place, self.notes);
            let same = built_in.iter().find(|detector| detector.name == name.value.0);
            let spot = Spot { span, place: &place, name, built_in: same, known: built_in };
            let Some(built) = self.detector(table, &spot) else { continue };
            let ban = self.ban(table, &built, &place);
            let is_enabled = table.enabled.value() == Some(&true);
            let at = all.iter().position(|detector| detector.name == built.name);
            match (at, is_enabled) {
                (Some(at), true) => all[at] = built,
                (Some(at), false) => {
                    all.remove(at);
                }
                (None, true) => {
                    own += 1;
                    all.push(built);
                }
                (None, false) => {}
            }
            bans.extend(ban.filter(|_| is_enabled));
            if own == MAX_OWN + 1 {
                let message = format!("found more than {MAX_OWN} new detectors");
                self.notes.mistake(&name.span, &place, message);
            }
        }
        debug_assert!(
            all.len() <= MAX_DETECTORS || !self.notes.is_clean(),
            "own and built-in ones have room"
        );
        Some((all, bans))
    }

    fn detector(&mut self, table: &file::Detector, spot: &Spot<'_>) -> Option<Detector> {
        let name = &spot.name.value.0;
        let filter = match (table.matches.known()?, spot.built_in) {
            (None, base) => Some(base.map_or_else(Filter::default, |base| base.filter.clone())),
            (Some(calls), base) => self.filter(calls, base, &spot.place.key("match")),
        };
        let per = self.grouped(table, spot);
        let kind = if file::kinds(table).is_empty() && spot.built_in.is_none() {
            self.no_kind(spot);
            None
        } else {
            self.kind(table, spot.built_in, spot.place)
        };
        if spot.built_in.is_none() {
            self.own_name(spot);
        }
        let ((kind, seconds), per) = (kind?, per?);
        self.not_of_itself(table, &kind, &per, spot.place);
        let rule = spot.built_in.map_or_else(|| format!("watch.{name}"), |base| base.rule.clone());
        let severity = match (table.severity.known()?, spot.built_in) {
            (Some(written), _) => written.0,
            (None, Some(base)) => base.severity,
            (None, None) => rules::find(&rule).map_or(Severity::Medium, |rule| rule.severity),
        };
        Some(Detector {
            name: name.clone(),
            rule,
            severity,
            filter: filter?,
            per,
            kind,
            seconds,
            about: None,
        })
    }

    /// Notes that a new detector says nothing of what is too much; most likely it was not meant to be new.
    fn no_kind(&mut self, spot: &Spot<'_>) {
        let name = &spot.name.value.0;
        let near = crate::suggestion::nearest(name, spot.known.iter().map(|detector| detector.name.as_str()));
        match near {
            Some(near) => {
                let message = format!("`{}` is not built in, and a new one needs a kind", short(name));
                let draft = self.notes.mistake(&spot.name.span, &spot.place.key("name"), message);
                draft.hint(format!("did you mean `{near}`?"));
            }
            None => {
                let message = format!("one of {} is missing", crate::suggestion::one_of(file::KINDS));
                let draft = self.notes.mistake(spot.span, spot.place, message);
                draft.hint(format!("`{}` is not built in, and a new one needs a kind", short(name)));
            }
        }
    }

    /// Notes the name of a new detector that no rule can have.
    fn own_name(&mut self, spot: &Spot<'_>) {
        let name = &spot.name.value.0;
        if is_rule_name(name) {
            return;
        }
        let message = format!("`{}` cannot be the end of a rule's name", short(name));
        let hint = as_rule_name(name).map_or_else(
            || "lower-case letters, digits and dashes, a letter first".to_owned(),
            |name| format!("lower-case letters, digits and dashes: `{name}`"),
        );
        self.notes.mistake(&spot.name.span, &spot.place.key("name"), message).hint(hint);
    }

    /// What calls are grouped by.
    fn grouped(&mut self, table: &file::Detector, spot: &Spot<'_>) -> Option<Vec<By>> {
        let Some(written) = table.per.known()? else {
            return Some(spot.built_in.map_or_else(|| vec![By::Caller], |base| base.per.clone()));
        };
        let mut per = Vec::new();
        for At { value: OneOf(by), span, index } in &written.0 {
            if per.contains(by) {
                self.notes.mistake(span, &spot.place.key("per").item(*index), "is there already");
            }
            per.push(*by);
        }
        if per.is_empty() {
            per.push(By::All);
        }
        Some(per)
    }

    /// Notes values that are counted in groups that each have one of them.
    fn not_of_itself(&mut self, table: &file::Detector, kind: &Kind, per: &[By], place: &Place<'_>) {
        let (Kind::Distinct { of, .. } | Kind::Share { of, .. }) = kind else { return };
        if !per.contains(of) {
            return;
        }
        let distinct = table.distinct.value().and_then(|kind| kind.of.get());
        let share = table.share.value().and_then(|kind| kind.of.get());
        let (key, span) = match (distinct, share, table.per.get()) {
            (Some(of), ..) => ("distinct", &of.span),
            (_, Some(of), _) => ("share", &of.span),
            (.., Some(per)) => ("per", &per.span),
            _ => return,
        };
        let message = format!("calls are grouped by `{}`, so no group has two of them", word(*of));
        self.notes.mistake(span, &place.key(key), message);
    }

    /// Which calls.
    fn filter(&mut self, calls: &file::Calls, base: Option<&Detector>, place: &Place<'_>) -> Option<Filter> {
        let mut filter = base.map_or_else(Filter::default, |base| base.filter.clone());
        if let Some(methods) = calls.method.known()? {
            filter.methods = methods.0.iter().map(|at| at.value.0.clone()).collect();
        }
        if let Some(paths) = calls.path.known()? {
            filter.paths = paths.0.iter().map(|at| at.value.0.clone()).collect();
        }
        if let Some(several) = calls.status.known()? {
            filter.statuses = statuses(several);
        }
        words(&calls.is, &mut filter.kinds)?;
        words(&calls.is_not, &mut filter.not_kinds)?;
        words(&calls.shows, &mut filter.with)?;
        words(&calls.shows_not, &mut filter.without)?;
        let (kinds, not_kinds) = (filter.kinds.clone(), filter.not_kinds.clone());
        self.apart((("is", &calls.is), &kinds), (("is-not", &calls.is_not), &not_kinds), place);
        let (with, without) = (filter.with.clone(), filter.without.clone());
        self.apart((("shows", &calls.shows), &with), (("shows-not", &calls.shows_not), &without), place);
        Some(filter)
    }

    /// Notes what calls must be and must not be.
    fn apart<T: Choice + PartialEq, const MAX: usize>(
        &mut self,
        ((name, field), must): (Named<'_, T, MAX>, &[T]),
        ((not_name, not_field), must_not): (Named<'_, T, MAX>, &[T]),
        place: &Place<'_>,
    ) {
        let (name, other, field, against) = if not_field.is_written() {
            (not_name, name, not_field, must)
        } else {
            (name, not_name, field, must_not)
        };
        for At { value: OneOf(choice), span, .. } in field.value().map_or(&[][..], |several| &several.0) {
            if against.contains(choice) {
                let message = format!("`{}` is there with `{other}` as well", word(*choice));
                self.notes.mistake(span, &place.key(name), message);
            }
        }
    }

    /// The ban its findings lead to.
    fn ban(&mut self, table: &file::Detector, detector: &Detector, place: &Place<'_>) -> Option<BanRule> {
        let ban = table.ban.get()?;
        self.no_longer(("ban", &table.ban), ("ban-up-to", &table.ban_up_to), place);
        let about = match (&detector.kind, detector.per.first()) {
            (Kind::Share { of, .. }, _) => *of,
            (_, first) => first.copied().unwrap_or(By::All),
        };
        if !matches!(about, By::Caller | By::Token | By::Address) {
            let hint = "whom they are about is the first of `per`: `caller`, `token` or `address`";
            let (message, hint) = match about {
                // Whoever gives somebody else's name would get that one banned.
                By::User => (
                    "its findings are about users, and those are not banned: anybody can give a user's name"
                        .to_owned(),
                    format!("without `ban` they are told of; {hint}"),
                ),
                By::All => {
                    ("its findings are about `route`, and that cannot be banned".to_owned(), hint.to_owned())
                }
                about => (
                    format!("its findings are about `{}`, and that cannot be banned", word(about)),
                    hint.to_owned(),
                ),
            };
            self.notes.mistake(&ban.span, &place.key("ban"), message).hint(hint);
        }
        Some(BanRule {
            detector: detector.name.clone(),
            rule: detector.rule.clone(),
            ban: ban.value.0,
            up_to: table.ban_up_to.value()?.0,
        })
    }
}

/// A key of several words.
type Named<'f, T, const MAX: usize> = (&'static str, &'f Field<Several<OneOf<T>, MAX>>);

/// Puts what is written in the place of what was there.
fn words<T: Choice, const MAX: usize>(field: &Field<Several<OneOf<T>, MAX>>, to: &mut Vec<T>) -> Option<()> {
    if let Some(several) = field.known()? {
        *to = several.0.iter().map(|at| at.value.0).collect();
    }
    Some(())
}

/// The word of a choice.
fn word<T: Choice + PartialEq>(choice: T) -> &'static str {
    T::WORDS.iter().find(|(_, one, _)| *one == choice).map_or("all", |(word, ..)| word)
}

pub(super) fn statuses(several: &Several<file::Status, 32>) -> Statuses {
    let ranges = several.0.iter().map(|at| match &at.value {
        Either::First(one) => u16::try_from(one.0).map_or((0, 0), |status| (status, status)),
        Either::Second(range) => (range.from, range.to),
    });
    Statuses::ranges(ranges.collect())
}
