//! What a call says of itself, copied while its head is there: it ends later, when the head is gone.

use std::io::Write as _;
use std::net::IpAddr;

use ratewarden_callers::Fields;
use ratewarden_judge::Subject;

use super::About;

/// Texts of a call: method, target, agent, referer, user, name of the caller.
pub(crate) const PARTS: usize = 6;

/// The most bytes of each that are kept; what is longer is cut.
const MOST: [usize; PARTS] = [32, 4_096, 512, 512, 256, 256];

/// A call's texts, and whose it is. Used again and again, so that noting allocates nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(super) text: Vec<u8>,
    pub(super) lengths: [u16; PARTS],
    pub(super) address: Option<IpAddr>,
    /// The keyed hash of whom it is counted against, or of a credential that is none.
    pub(super) id: Option<u128>,
    /// The caller proved who it is.
    pub(super) is_verified: bool,
}

impl Said {
    /// Notes a call, in place of what was noted before.
    ///
    /// A user of Basic authentication is a user, whom nothing proves; everybody else with a credential is a caller, by
    /// the label that the access log and the admin listener show; who is known by an address alone is nobody. This is how
    /// readers of logs understand credentials. Whom a token names is shown nowhere, so it is no user here either.
    pub(super) fn note<F: Fields + ?Sized>(&mut self, about: &About<'_, F>) {
        self.text.clear();
        (self.address, self.id, self.is_verified) = (about.address, about.tried, false);
        let field = |name| about.fields.and_then(|fields| fields.values(name).next()).unwrap_or_default();
        self.put(0, |text| text.extend_from_slice(about.operation.method.as_bytes()));
        self.put(1, |text| {
            text.extend_from_slice(about.operation.path.as_bytes());
            if let Some(query) = about.query {
                text.push(b'?');
                text.extend_from_slice(query.as_bytes());
            }
        });
        self.put(2, |text| text.extend_from_slice(field("user-agent")));
        self.put(3, |text| text.extend_from_slice(field("referer")));
        let (user, caller) = about.subject.map_or((None, None), |subject| self.whose(subject));
        self.put(4, |text| text.extend_from_slice(user.unwrap_or_default().as_bytes()));
        self.put(5, |text| {
            if let Some(caller) = caller {
                // Writing to memory does not fail.
                let _ = write!(text, "{}", caller.display());
            }
        });
    }

    /// Notes whose call it is; the user or the caller that has a name.
    fn whose<'s>(
        &mut self,
        subject: &'s Subject,
    ) -> (Option<&'s str>, Option<&'s ratewarden_callers::Caller>) {
        let caller = &subject.caller;
        if caller.is_by_address() {
            return (None, None);
        }
        (self.id, self.is_verified) = (Some(caller.id()), caller.is_verified());
        match caller.user() {
            Some(user) if !caller.is_verified() => (Some(user), None),
            _ => (None, Some(caller)),
        }
    }

    fn put(&mut self, place: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.text.len();
        write(&mut self.text);
        let most = MOST.get(place).copied().unwrap_or_default();
        self.text.truncate(before + most);
        if let Some(length) = self.lengths.get_mut(place) {
            *length = u16::try_from(self.text.len() - before).unwrap_or(u16::MAX);
        }
    }
}
