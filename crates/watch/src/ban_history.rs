//! The history of bans in a folder of states.
//!
//! After a restart the last minutes of the logs are read again, and what is found in them is found again. Without the history
//! a ban that an operator has lifted since would come back, a file would get a line twice, and who offends for the third time
//! would have a first ban. It is written after the bans themselves: a crash between the two repeats a ban and never loses one.

use std::io;
use std::path::{Path, PathBuf};

use ratewarden_counters::{Instant, Kept};
use ratewarden_judge::penalties::Penalties;
use serde::{Deserialize, Serialize};

use crate::bans::time;
use crate::follow::write_document;

/// Its name in a folder of states.
const DOCUMENT: &str = "ban-history.json";
const SCHEMA: &str = "ratewarden.ban-history/1";
/// Bans that are kept, those that end last: with a name and figures each a few hundred bytes.
const MOST: usize = 10_000;
/// Documents that can lie aside at once.
const ASIDE: u32 = 100;

/// Where the history of bans is kept.
#[derive(Debug)]
pub(crate) struct BanHistory {
    path: PathBuf,
    /// The version that stands there.
    saved: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema: String,
    /// Each an [`Entry`].
    bans: Vec<serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// 32 hexadecimal digits.
    id: String,
    /// When it can be forgotten, RFC 3339.
    until: String,
    ban: serde_json::Value,
}

impl BanHistory {
    /// Puts back what a folder keeps. Says what is to be said of a document that cannot be used, which is put aside, and of
    /// entries in it that cannot.
    ///
    /// # Errors
    /// When it can not be read, though it may be whole.
    pub(crate) fn open(
        folder: &Path,
        penalties: &Penalties,
        now_ms: i64,
    ) -> io::Result<(Self, Option<String>)> {
        let path = folder.join(DOCUMENT);
        let said = match read(&path, now_ms) {
            Ok((kept, unreadable)) => {
                penalties.restore(&kept, instant(now_ms));
                (unreadable > 0)
                    .then(|| format!("{unreadable} earlier bans in {} cannot be read", path.display()))
            }
            Err(error) if is_unusable(&error) => {
                let kept = put_aside(&path);
                Some(format!("earlier bans are not known: {}: {error}", kept.display()))
            }
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
            }
        };
        Ok((Self { path, saved: penalties.version() }, said))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes it down where it has changed.
    pub(crate) fn save(&mut self, penalties: &Penalties, now_ms: i64) -> io::Result<()> {
        let version = penalties.version();
        if version == self.saved {
            return Ok(());
        }
        let mut kept = penalties.kept(instant(now_ms));
        kept.sort_unstable_by_key(|kept| (std::cmp::Reverse(kept.until), kept.id));
        let entry = |kept: Kept| {
            let ban = serde_json::from_str(&kept.state)?;
            let entry = Entry { id: format!("{:032x}", kept.id), until: kept.until.to_string(), ban };
            Ok(serde_json::to_value(entry)?)
        };
        let bans = kept.into_iter().take(MOST).map(entry).collect::<io::Result<_>>()?;
        let document = Document { schema: SCHEMA.to_owned(), bans };
        write_document(&self.path, &serde_json::to_vec(&document)?)?;
        self.saved = version;
        Ok(())
    }
}

fn instant(now_ms: i64) -> Instant {
    let wall = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Instant { now: time(now_ms), wall }
}

/// Whether a document was read and is none; any other error may be over the next time.
#[must_use]
pub fn is_unusable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Puts a document aside that cannot be used, for who wants to look: the next one would be written in its place. Never over one
/// that lies there already. Says where it is.
#[must_use]
pub fn put_aside(document: &Path) -> PathBuf {
    let name = |number: u32| match number {
        0 => document.with_extension("unusable"),
        number => document.with_extension(format!("unusable-{number}")),
    };
    let free = (0..ASIDE).map(name).find(|aside| !aside.exists());
    match free.filter(|aside| std::fs::rename(document, aside).is_ok()) {
        Some(aside) => aside,
        None => document.to_owned(),
    }
}

/// What is to be remembered, and how many entries cannot be read; nothing where there is no document.
fn read(path: &Path, now_ms: i64) -> io::Result<(Vec<Kept>, usize)> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let document: Document = serde_json::from_slice(&bytes)?;
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    if document.schema != SCHEMA {
        return Err(wrong(format!("its schema is `{}`, not `{SCHEMA}`", document.schema)));
    }
    let (mut kept, mut unreadable) = (Vec::new(), 0);
    for entry in document.bans {
        match of_entry(entry) {
            Some(entry) if entry.until.as_millisecond() > now_ms => kept.push(entry),
            Some(_) => {}
            None => unreadable += 1,
        }
    }
    Ok((kept, unreadable))
}

fn of_entry(entry: serde_json::Value) -> Option<Kept> {
    let Entry { id, until, ban } = serde_json::from_value(entry).ok()?;
    Some(Kept { id: u128::from_str_radix(&id, 16).ok()?, until: until.parse().ok()?, state: ban.to_string() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratewarden_judge::penalties::{Cause, Sentence, Whom};

    use super::*;

    fn begin(penalties: &Penalties, id: u128, now_ms: i64) -> Option<u64> {
        let sentence = Sentence {
            whom: Whom::Address,
            label: Some("192.0.2.1".into()),
            cause: Cause::Finding { rule: "watch.flood".into(), reason: "320 seen".into() },
            spares: true,
            first: Duration::from_secs(600),
            up_to: Duration::from_secs(86_400),
            forget: Duration::from_secs(86_400),
        };
        let ban = penalties.sentence(id, sentence, time(now_ms)).ok()?;
        Some(ban.until.since(time(now_ms)).as_secs())
    }

    #[test]
    fn a_ban_in_force_is_in_force_after_a_restart_and_the_next_one_is_longer() {
        let folder = tempfile::tempdir().unwrap();
        let before = Penalties::default();
        let (mut history, said) = BanHistory::open(folder.path(), &before, 1_000).unwrap();
        assert_eq!((begin(&before, 7, 1_000), said), (Some(600), None));
        history.save(&before, 2_000).unwrap();
        let restarted = |now_ms| {
            let penalties = Penalties::default();
            let (_, said) = BanHistory::open(folder.path(), &penalties, now_ms).unwrap();
            assert_eq!(said, None);
            penalties
        };
        assert_eq!(begin(&restarted(60_000), 7, 60_000), None, "it is in force");
        assert_eq!(begin(&restarted(700_000), 7, 700_000), Some(1_200), "the second");
        // Restarts do not keep the memory of it alive: it is forgotten a day after its end.
        assert_eq!(begin(&restarted(86_000_000), 7, 87_002_000), Some(600), "a first one again");
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place_and_kept_aside() {
        for text in ["{\"schema\":", "{\"schema\":\"other/9\",\"bans\":[]}", "[]"] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(DOCUMENT), text).unwrap();
            let (mut history, said) = BanHistory::open(folder.path(), &Penalties::default(), 1_000).unwrap();
            assert!(said.unwrap().contains("ban-history.unusable"));
            let penalties = Penalties::default();
            begin(&penalties, 7, 1_000);
            history.save(&penalties, 1_000).unwrap();
            assert_eq!(read(&folder.path().join(DOCUMENT), 1_000).unwrap().0.len(), 1);
        }
    }

    #[test]
    fn what_lies_aside_is_never_replaced_and_an_error_of_the_disk_puts_nothing_aside() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["one", "two"] {
            std::fs::write(folder.path().join(DOCUMENT), text).unwrap();
            BanHistory::open(folder.path(), &Penalties::default(), 1_000).unwrap();
        }
        let aside = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (aside("ban-history.unusable"), aside("ban-history.unusable-1")),
            ("one".into(), "two".into())
        );
        // It is there and cannot be read now.
        std::fs::create_dir(folder.path().join(DOCUMENT)).unwrap();
        let error = BanHistory::open(folder.path(), &Penalties::default(), 1_000).unwrap_err();
        assert!(error.to_string().contains(DOCUMENT), "{error}");
        assert!(folder.path().join(DOCUMENT).is_dir());
    }

    #[test]
    fn one_entry_that_cannot_be_read_loses_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let before = Penalties::default();
        let (mut history, _) = BanHistory::open(folder.path(), &before, 1_000).unwrap();
        begin(&before, 7, 1_000);
        begin(&before, 8, 1_000);
        history.save(&before, 2_000).unwrap();
        let text = std::fs::read_to_string(history.path()).unwrap();
        let (first, _) = text.split_once("\"until\"").unwrap();
        let broken = text.replacen(&first[first.len() - 12..], "zz\",", 1);
        assert_ne!(broken, text);
        std::fs::write(history.path(), broken).unwrap();
        let penalties = Penalties::default();
        let (_, said) = BanHistory::open(folder.path(), &penalties, 3_000).unwrap();
        assert!(said.unwrap().starts_with("1 earlier bans"));
        assert_eq!(penalties.in_force(time(3_000)).len(), 1);
    }

    #[test]
    fn it_is_bounded_and_keeps_those_that_end_last() {
        let folder = tempfile::tempdir().unwrap();
        let penalties = Penalties::default();
        let (mut history, _) = BanHistory::open(folder.path(), &penalties, 0).unwrap();
        for id in 0..MOST + 5 {
            begin(&penalties, id as u128, i64::try_from(id).unwrap());
        }
        history.save(&penalties, 20_000).unwrap();
        let (kept, _) = read(history.path(), 20_000).unwrap();
        // One that spares some is kept under the complement of its id.
        assert_eq!((kept.len(), kept.iter().map(|kept| !kept.id).min()), (MOST, Some(5)));
    }
}
