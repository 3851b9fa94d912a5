//! What of a detector's calls is too much.
//!
//! Keys of a kind that a change of a built-in detector leaves out stay as they are there; a new detector has to say
//! them.

use ratewarden_detect::{By, Detector, Kind};

use super::Builder;
use super::detectors::statuses;
use crate::file;
use crate::form::{At, Count, Form};
use crate::notes::{Place, Span};
use crate::table::Field;

const HOUR: u32 = 3_600;
const DAY: u32 = 86_400;

/// The table of a kind: where it stands.
type Spot<'s> = (&'s Span, Place<'s>);

/// A kind and its seconds.
type Timed = (Kind, u32);

/// That of the built-in detector that is changed.
type Base<'b> = Option<(&'b Kind, u32)>;

impl Builder<'_> {
    /// The kind and its seconds; `base` is the built-in detector that is changed.
    pub(super) fn kind(
        &mut self,
        table: &file::Detector,
        base: Option<&Detector>,
        place: &Place<'_>,
    ) -> Option<Timed> {
        let written = file::kinds(table).into_iter().next();
        let own = base.map(|base| word(&base.kind));
        if let (Some((name, span)), Some(own), Some(base)) = (&written, own, base)
            && *name != own
        {
            let message = format!("`{}` is told by `{own}`", base.name);
            if let Some(span) = span {
                let draft = self.notes.mistake(span, &place.key(name), message);
                draft.hint("to look for something else, give it another name");
            }
            return None;
        }
        let name = written.map(|(name, _)| name).or(own)?;
        if let (Some(spread), true) = (table.spread.get(), name != "over") {
            self.notes.mistake(&spread.span, &place.key("spread"), "is only there with `over`");
        }
        let base_kind = base.map(|base| (&base.kind, base.seconds));
        match name {
            "over" => rate(table, base_kind),
            "distinct" => self.of(&table.distinct, "distinct", base_kind, place, Self::distinct),
            "share" => self.of(&table.share, "share", base_kind, place, Self::share),
            "ratio" => self.of(&table.ratio, "ratio", base_kind, place, Self::ratio),
            "sequence" => match (table.sequence.known()?, base_kind) {
                (Some(pace), _) => Some((Kind::Sequence { numbers: pace.number }, pace.seconds)),
                (None, base) => base.map(|(kind, seconds)| (kind.clone(), seconds)),
            },
            "growth" => self.of(&table.growth, "growth", base_kind, place, Self::growth),
            "peers" => self.of(&table.peers, "peers", base_kind, place, Self::peers),
            "level" => self.of(&table.level, "level", base_kind, place, Self::level),
            "travel" => self.of(&table.travel, "travel", base_kind, place, Self::travel),
            "baseline" => self.of(&table.baseline, "baseline", base_kind, place, Self::baseline),
            _ => match (table.daily.known()?, base_kind) {
                (Some(calls), _) => Some((Kind::Daily { calls: calls.0 }, DAY)),
                (None, base) => base.map(|(kind, seconds)| (kind.clone(), seconds)),
            },
        }
    }

    /// A kind that is a table: as it is written, else as the built-in detector has it.
    fn of<'b, T>(
        &mut self,
        field: &Field<T>,
        name: &str,
        base: Base<'b>,
        place: &Place<'_>,
        read: fn(&mut Self, &T, Base<'b>, &Spot<'_>) -> Option<Timed>,
    ) -> Option<Timed> {
        match field {
            Field::Is(At { value, span, .. }) | Field::Default(At { value, span, .. }) => {
                read(self, value, base, &(span, place.key(name)))
            }
            Field::Absent => base.map(|(kind, seconds)| (kind.clone(), seconds)),
            Field::Wrong => None,
        }
    }

    /// A key of a kind: as it is written, else as the built-in detector has it.
    fn part<T: Form, V>(
        &mut self,
        (span, place): &Spot<'_>,
        (name, field): (&str, &Field<T>),
        value: impl FnOnce(&T) -> V,
        built_in: Option<V>,
    ) -> Option<V> {
        match (field.known()?, built_in) {
            (Some(written), _) => Some(value(written)),
            (None, Some(built_in)) => Some(built_in),
            (None, None) => {
                self.notes.mistake(span, &place.key(name), format!("is missing: {}", T::expected()));
                None
            }
        }
    }

    fn distinct(&mut self, table: &file::Distinct, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let built_in = base.map(|(kind, _)| kind);
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Distinct { of, values, percent } => Some((*of, (*values, seconds), *percent)),
            Kind::Both { of, values, .. } => Some((*of, (*values, seconds), 0)),
            Kind::Refused { credentials, .. } => Some((By::Token, (*credentials, seconds), 0)),
            _ => None,
        });
        let of = self.part(spot, ("of", &table.of), |word| word.0, base.map(|base| base.0));
        let over = self.part(
            spot,
            ("over", &table.over),
            |pace| (pace.number, pace.seconds),
            base.map(|base| base.1),
        );
        let percent = table.percent.known()?.map(count).or(base.map(|base| base.2)).unwrap_or(0);
        let (values, seconds) = over?;
        let of = of?;
        // What a built-in one asks beside that stays, as long as it counts the same.
        let kind = match built_in {
            Some(Kind::Both { of: known, and, others, .. }) if *known == of => {
                Kind::Both { of, values, and: *and, others: *others }
            }
            Some(Kind::Refused { percent, .. }) if of == By::Token => {
                Kind::Refused { credentials: values, percent: *percent }
            }
            _ => Kind::Distinct { of, values, percent },
        };
        Some((kind, seconds))
    }

    fn share(&mut self, table: &file::Share, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Share { of, percent, calls } => Some((*of, *percent, *calls, seconds)),
            _ => None,
        });
        let of = self.part(spot, ("of", &table.of), |word| word.0, base.map(|base| base.0));
        let percent = self.part(spot, ("percent", &table.percent), count, base.map(|base| base.1));
        let calls = self.part(spot, ("calls", &table.calls), count, base.map(|base| base.2));
        let seconds = self.part(spot, ("in", &table.within), |within| within.0, base.map(|base| base.3));
        Some((Kind::Share { of: of?, percent: percent?, calls: calls? }, seconds?))
    }

    fn ratio(&mut self, table: &file::Ratio, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Ratio { failed, percent, calls } => Some((failed.clone(), *percent, *calls, seconds)),
            _ => None,
        });
        let built_in = base.as_ref();
        let failed =
            self.part(spot, ("failed", &table.failed), statuses, built_in.map(|base| base.0.clone()));
        let percent = self.part(spot, ("percent", &table.percent), count, built_in.map(|base| base.1));
        let calls = self.part(spot, ("calls", &table.calls), count, built_in.map(|base| base.2));
        let seconds = self.part(spot, ("in", &table.within), |within| within.0, built_in.map(|base| base.3));
        Some((Kind::Ratio { failed: failed?, percent: percent?, calls: calls? }, seconds?))
    }

    fn growth(&mut self, table: &file::Growth, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Growth { times, factor, limit } => Some((*times, *factor, *limit, seconds)),
            _ => None,
        });
        let times = self.part(spot, ("times", &table.times), count, base.map(|base| base.0));
        let factor = self.part(spot, ("factor", &table.factor), count, base.map(|base| base.1));
        let limit = self.part(spot, ("to", &table.to), count, base.map(|base| base.2));
        let seconds = self.part(spot, ("in", &table.within), |within| within.0, base.map(|base| base.3));
        Some((Kind::Growth { times: times?, factor: factor?, limit: limit? }, seconds?))
    }

    fn peers(&mut self, table: &file::Peers, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Peers { bytes, factor } => Some((*bytes, *factor, seconds)),
            _ => None,
        });
        let bytes = self.part(spot, ("bytes", &table.bytes), |size| size.0, base.map(|base| base.0));
        let factor = self.part(spot, ("factor", &table.factor), count, base.map(|base| base.1));
        let seconds = self.part(spot, ("in", &table.within), |within| within.0, base.map(|base| base.2));
        Some((Kind::Peers { bytes: bytes?, factor: factor? }, seconds?))
    }

    fn level(&mut self, table: &file::Level, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Level { resource, most, percent } => Some((*resource, *most, *percent, seconds)),
            _ => None,
        });
        let resource = self.part(spot, ("resource", &table.resource), |word| word.0, base.map(|base| base.0));
        let most = table.most.known()?.map(|most| f64::from(count(most))).or(base.and_then(|base| base.1));
        let percent = table.percent.known()?.map(count).or(base.and_then(|base| base.2));
        if (most, percent) == (None, None) {
            self.notes.mistake(spot.0, &spot.1, "one of `most` or `percent` is missing");
        }
        let default = base.map_or(HOUR / 2, |base| base.3);
        let seconds = table.within.known()?.map_or(default, |within| within.0);
        Some((Kind::Level { resource: resource?, most, percent }, seconds))
    }

    fn travel(&mut self, table: &file::Travel, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, seconds)| match kind {
            Kind::Travel { kmh, km } => Some((*kmh, *km, seconds)),
            _ => None,
        });
        let km = self.part(spot, ("km", &table.km), count, base.map(|base| base.1));
        let kmh = self.part(spot, ("per-hour", &table.per_hour), count, base.map(|base| base.0));
        let seconds = table.within.known()?.map_or(base.map_or(DAY, |base| base.2), |within| within.0);
        Some((Kind::Travel { kmh: kmh?, km: km? }, seconds))
    }

    fn baseline(&mut self, table: &file::Baseline, base: Base<'_>, spot: &Spot<'_>) -> Option<Timed> {
        let base = base.and_then(|(kind, _)| match kind {
            Kind::Baseline { factor, calls } => Some((*factor, *calls)),
            _ => None,
        });
        let factor = self.part(spot, ("factor", &table.factor), count, base.map(|base| base.0));
        let calls = self.part(spot, ("calls", &table.calls), count, base.map(|base| base.1));
        Some((Kind::Baseline { factor: factor?, calls: calls? }, HOUR))
    }
}

/// So many calls in a time.
fn rate(table: &file::Detector, base: Base<'_>) -> Option<Timed> {
    let base = base.and_then(|(kind, seconds)| match kind {
        Kind::Rate { calls, filled } => Some(((*calls, seconds), *filled, None)),
        Kind::Crowd { calls, filled, of, values } => Some(((*calls, seconds), *filled, Some((*of, *values)))),
        _ => None,
    });
    let written = table.over.known()?.map(|pace| (pace.number, pace.seconds));
    let (calls, seconds) = written.or(base.map(|base| base.0))?;
    let filled = table.spread.known()?.map(count).or(base.map(|base| base.1)).unwrap_or(1);
    let kind = match base.and_then(|base| base.2) {
        Some((of, values)) => Kind::Crowd { calls, filled, of, values },
        None => Kind::Rate { calls, filled },
    };
    Some((kind, seconds))
}

/// A number that its form keeps within 32 bits.
fn count<const MIN: u64, const MAX: u64>(count: &Count<MIN, MAX>) -> u32 {
    u32::try_from(count.0).unwrap_or(u32::MAX)
}

/// The key of a kind.
const fn word(kind: &Kind) -> &'static str {
    match kind {
        // What several do together is built in only; those of Sigma rules do not come from a policy.
        Kind::Rate { .. } | Kind::Crowd { .. } | Kind::Total { .. } | Kind::Together { .. } => "over",
        Kind::Distinct { .. } | Kind::Both { .. } | Kind::Refused { .. } => "distinct",
        // That a log knows no clients is built in only.
        Kind::Front { .. } => "over",
        Kind::Share { .. } => "share",
        Kind::Ratio { .. } => "ratio",
        Kind::Sequence { .. } => "sequence",
        Kind::Growth { .. } => "growth",
        Kind::Peers { .. } => "peers",
        Kind::Level { .. } => "level",
        Kind::Travel { .. } => "travel",
        Kind::Baseline { .. } => "baseline",
        Kind::Daily { .. } => "daily",
    }
}
