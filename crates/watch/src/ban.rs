//! A ban that is to be placed, as a file gets it, and as a folder of states keeps it until it is placed.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ratewarden_model::{Subject, SubjectKind};
use serde::{Deserialize, Serialize};

/// A ban that is to be placed; as a line of JSON what a file gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ban {
    /// Whom.
    #[serde(flatten)]
    pub subject: Subject,
    /// For so many seconds.
    pub seconds: u64,
    /// Until then, RFC 3339, UTC.
    pub until: String,
    /// The rule, and what was seen.
    pub reason: String,
    /// The rule of the finding.
    #[serde(default)]
    pub rule: String,
    /// Of the finding.
    pub fingerprint: String,
    /// As the history knows whom it is about.
    #[serde(skip)]
    pub id: u128,
    /// The address as a gateway counts it, if it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<IpAddr>,
}

/// A ban as it is kept until it is placed.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    ban: Ban,
    /// As the history knows whom it is about, in hexadecimal digits. A version before wrote none.
    #[serde(default)]
    id: String,
}

impl Ban {
    /// How long it still lasts at `now_ms` (milliseconds since 1970).
    #[must_use]
    pub fn left(&self, now_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(self.until_ms().saturating_sub(now_ms)).unwrap_or(0))
    }

    pub(crate) fn until_ms(&self) -> i64 {
        self.until.parse().map_or(0, jiff::Timestamp::as_millisecond)
    }

    /// What was seen, in figures.
    #[must_use]
    pub fn figures(&self) -> &str {
        let figures = self.reason.strip_prefix(&self.rule).map(|rest| rest.trim_start_matches(": "));
        figures.unwrap_or(&self.reason)
    }

    /// The caller that is banned, if it is one.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        match &self.subject {
            Subject::Named { kind: SubjectKind::Caller, value } => Some(value),
            _ => None,
        }
    }

    /// Bans that are on their way, as a folder of states keeps them.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_json(bans: &[Self]) -> io::Result<Vec<u8>> {
        let kept = bans.iter().map(|ban| Kept { ban: ban.clone(), id: format!("{:032x}", ban.id) });
        Ok(serde_json::to_vec_pretty(&kept.collect::<Vec<_>>())?)
    }

    /// The same bans again.
    ///
    /// # Errors
    /// When they are not such a list.
    pub fn from_json(bytes: &[u8]) -> io::Result<Vec<Self>> {
        let kept: Vec<Kept> = serde_json::from_slice(bytes)?;
        let ban = |Kept { ban, id }| Self { id: u128::from_str_radix(&id, 16).unwrap_or_default(), ..ban };
        Ok(kept.into_iter().map(ban).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban() -> Ban {
        Ban {
            subject: Subject::named(SubjectKind::Caller, "ann"),
            seconds: 600,
            until: "1970-01-01T00:10:00Z".to_owned(),
            reason: "watch.flood: 320 seen".to_owned(),
            rule: "watch.flood".to_owned(),
            fingerprint: "f".to_owned(),
            id: u128::MAX - 7,
            address: None,
        }
    }

    #[test]
    fn a_ban_is_kept_with_whom_it_is_about_and_its_line_does_not_say_that() {
        let bans = [ban(), Ban { id: 5, address: Some([192, 0, 2, 1].into()), ..ban() }];
        assert_eq!(Ban::from_json(&Ban::to_json(&bans).unwrap()).unwrap(), bans);
        assert!(serde_json::to_value(ban()).unwrap().get("id").is_none());
        let of_before = r#"[{"kind":"address","value":"192.0.2.1","seconds":5,"until":"x","reason":"y","fingerprint":"z"}]"#;
        assert_eq!(Ban::from_json(of_before.as_bytes()).unwrap()[0].id, 0);
        assert!(Ban::from_json(b"{}").is_err());
    }

    #[test]
    fn the_figures_are_the_reason_without_the_rule() {
        let figures = |reason: &str| Ban { reason: reason.to_owned(), ..ban() }.figures().to_owned();
        assert_eq!(figures("watch.flood: 320 seen"), "320 seen");
        assert_eq!((figures("watch.flood"), figures("by hand")), (String::new(), "by hand".to_owned()));
        assert_eq!((ban().caller(), ban().left(599_000)), (Some("ann"), Duration::from_secs(1)));
    }
}
