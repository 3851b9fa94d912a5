//! What a call has cost once it has ended.

use ratewarden_policy::Settle;

/// The end of a call, as far as costs depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending<'r> {
    /// The response's status; 0 where there was none.
    pub status: u16,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// The response's price tag, where a limit asked for one.
    pub price: Option<&'r [u8]>,
}

/// What a call costs instead of `cost`, which it was charged at the door; `None` where that stands.
#[must_use]
pub fn price(settle: &Settle, cost: u64, ending: &Ending<'_>) -> Option<u64> {
    match settle {
        Settle::ResponseBytes { per } => Some(cost.saturating_add(ending.body_bytes.div_ceil(per.get()))),
        Settle::ResponseHeader(_) => {
            ending.price.and_then(|price| std::str::from_utf8(price).ok()?.trim().parse::<u64>().ok())
        }
        Settle::Status { from, to, cost } => (*from..=*to).contains(&ending.status).then_some(*cost),
    }
}
