//! The tables of a store, and the doors to them that are not a decision.

use std::sync::OnceLock;

use ratewarden_limiter::{Algorithm, Rule, Standing, Time, WindowState, WordRule};

use crate::cell::{Cell, Place};
use crate::key::Key;
use crate::slot::{Counts, Slot};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::table::Table;

/// What can be counted in a store: the limits of a policy and what its penalties count. Each has an overflow bucket for
/// verified callers and one for others.
#[cfg(not(feature = "shuttle"))]
pub const ORDINALS: usize = 512;
// Making thousands of atomics for each schedule would leave time for few schedules.
/// What can be counted in a store.
#[cfg(feature = "shuttle")]
pub const ORDINALS: usize = 4;

/// Times a key is looked for again because its place changed hands between finding and holding it.
pub(crate) const ATTEMPTS: u32 = 64;

/// How much a store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Keys without a verified identity, for each kind of state (rates and concurrency, quotas, windows).
    pub keys: usize,
    /// Keys with a verified identity, for each kind of state.
    pub verified_keys: usize,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Places taken, idle ones included.
    pub keys: u64,
    /// Places there are.
    pub places: u64,
    /// Bytes of all tables.
    pub bytes: u64,
    /// Calls that were counted in an overflow bucket, ever.
    pub overflowed: u64,
}

/// The state of all limits of one node, in memory.
///
/// Tables of a kind are allocated when a limit first needs them or by [`Counters::prepare`]; 48 bytes for each key
/// of rates, concurrency and quotas, 144 for each key of sliding windows, of the [`Capacity`], whether used or not.
#[derive(Debug)]
pub struct Counters {
    capacity: Capacity,
    /// By whether the keys are verified.
    words: [OnceLock<Table<()>>; 2],
    pub(crate) quotas: [OnceLock<Table<()>>; 2],
    windows: [OnceLock<Table<Counts>>; 2],
    overflow: Box<[Slot<Counts>]>,
    overflowed: AtomicU64,
}

impl Counters {
    /// An empty store.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            words: Default::default(),
            quotas: Default::default(),
            windows: Default::default(),
            overflow: (0..2 * ORDINALS).map(|_| Slot::default()).collect(),
            overflowed: AtomicU64::new(0),
        }
    }

    /// Allocates what limits of these algorithms will need, so that no call waits for it.
    pub fn prepare<'a>(&self, algorithms: impl IntoIterator<Item = &'a Algorithm>) {
        for algorithm in algorithms {
            for verified in [false, true] {
                match algorithm {
                    Algorithm::Rate(_) | Algorithm::Concurrency(_) => {
                        self.table(&self.words, verified);
                    }
                    Algorithm::Quota(_) => {
                        self.table(&self.quotas, verified);
                    }
                    Algorithm::Window(_) => {
                        self.table(&self.windows, verified);
                    }
                }
            }
        }
    }

    /// What the key has left of the limit.
    #[must_use]
    pub fn standing(&self, key: &Key, rule: &Rule, now: Time) -> Standing {
        let cell = self.find(key, rule).and_then(|place| self.cell(place));
        match rule {
            Rule::Word(rule) => rule.standing(cell.map_or(0, |cell| cell.peek()), now),
            Rule::Window(window) => {
                let state = cell.map_or_else(WindowState::default, |cell| cell.read_window());
                window.standing(&state, now)
            }
        }
    }

    /// Charges `cost` after the fact, whether it is there or not: bytes of a response, a price it names.
    /// `overflow` is what the verdict of the call said.
    pub fn settle(&self, key: &Key, rule: &Rule, cost: u64, overflow: bool, now: Time) {
        let charge = |cell: &Cell<'_>, word: u64| match rule {
            Rule::Word(rule) => put_word(cell, *rule, rule.settle(word, cost, now)),
            Rule::Window(window) => {
                let after = window.settle(&cell.window(word), cost, now);
                cell.put_window(&after, window.idle_at(&after));
            }
        };
        if !overflow {
            for _ in 0..ATTEMPTS {
                let Some(place) = self.place(key, rule, now, |_| false) else { break };
                if self.change(place, key, charge) {
                    return;
                }
            }
        }
        self.change(Place::overflow(key), key, charge);
    }

    /// Gives `cost` back: a refund, or the places of a call that has ended. A key that is no longer there has
    /// nothing to be given back.
    pub fn refund(&self, key: &Key, rule: &Rule, cost: u64, overflow: bool) {
        let place = if overflow { Some(Place::overflow(key)) } else { self.find(key, rule) };
        let Some(place) = place else { return };
        if overflow && !self.cell(place).is_some_and(|cell| cell.is(key)) {
            return;
        }
        self.change(place, key, |cell, word| match rule {
            Rule::Word(rule) => put_word(cell, *rule, rule.refund(word, cost)),
            Rule::Window(window) => {
                let after = window.refund(&cell.window(word), cost);
                cell.put_window(&after, window.idle_at(&after));
            }
        });
    }

    /// What the store holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let mut usage = Usage { overflowed: self.overflowed.load(Ordering::Relaxed), ..Usage::default() };
        for table in self.words.iter().chain(&self.quotas).filter_map(OnceLock::get) {
            usage.add(table.used(), table.places(), table.bytes());
        }
        for table in self.windows.iter().filter_map(OnceLock::get) {
            usage.add(table.used(), table.places(), table.bytes());
        }
        usage
    }

    /// Whether the place was still the key's, and so was changed.
    fn change(&self, place: Place, key: &Key, with: impl FnOnce(&Cell<'_>, u64)) -> bool {
        let Some(cell) = self.cell(place) else { return false };
        let word = cell.hold_for(key);
        let Some(word) = word else { return false };
        self.mark(place);
        with(&cell, word);
        true
    }

    /// Where the key stands, if it does.
    #[inline]
    pub(crate) fn find(&self, key: &Key, rule: &Rule) -> Option<Place> {
        let verified = usize::from(key.verified);
        match rule {
            Rule::Word(WordRule::Quota(_)) => {
                self.quotas[verified].get()?.find(key).map(|index| Place::quota(key.verified, index))
            }
            Rule::Word(_) => {
                self.words[verified].get()?.find(key).map(|index| Place::word(key.verified, index))
            }
            Rule::Window(_) => {
                self.windows[verified].get()?.find(key).map(|index| Place::window(key.verified, index))
            }
        }
    }

    /// The slot of a key whose state is one word, if it has one, with its table and its place there.
    #[inline]
    pub(crate) fn find_word(&self, key: &Key, rule: WordRule) -> Option<(&Table<()>, usize, &Slot<()>)> {
        let verified = usize::from(key.verified);
        let tables = if let WordRule::Quota(_) = rule { &self.quotas } else { &self.words };
        let table = tables[verified].get()?;
        let index = table.find(key)?;
        Some((table, index, table.slot(index)?))
    }

    /// Where the key stands from now on; `None` when there is no place for it. Places that are `spared` are not
    /// given away.
    pub(crate) fn place(
        &self,
        key: &Key,
        rule: &Rule,
        now: Time,
        spared: impl Fn(Place) -> bool,
    ) -> Option<Place> {
        let verified = key.verified;
        match rule {
            Rule::Word(WordRule::Quota(_)) => {
                let to_place = |index| Place::quota(verified, index);
                let table = self.table(&self.quotas, verified);
                table.find_or_place(key, now, |index| spared(to_place(index))).map(to_place)
            }
            Rule::Word(_) => {
                let to_place = |index| Place::word(verified, index);
                let table = self.table(&self.words, verified);
                table.find_or_place(key, now, |index| spared(to_place(index))).map(to_place)
            }
            Rule::Window(_) => {
                let to_place = |index| Place::window(verified, index);
                let table = self.table(&self.windows, verified);
                table.find_or_place(key, now, |index| spared(to_place(index))).map(to_place)
            }
        }
    }

    #[inline]
    pub(crate) fn cell(&self, place: Place) -> Option<Cell<'_>> {
        let index = place.index();
        match place.kind() {
            Place::WORDS => self.words[0].get()?.slot(index).map(Cell::Word),
            Place::WORDS_VERIFIED => self.words[1].get()?.slot(index).map(Cell::Word),
            Place::QUOTAS => self.quotas[0].get()?.slot(index).map(Cell::Word),
            Place::QUOTAS_VERIFIED => self.quotas[1].get()?.slot(index).map(Cell::Word),
            Place::WINDOWS => self.windows[0].get()?.slot(index).map(Cell::Wide),
            Place::WINDOWS_VERIFIED => self.windows[1].get()?.slot(index).map(Cell::Wide),
            _ => self.overflow.get(index).map(Cell::Overflow),
        }
    }

    /// A held place's state changes: quotas go to disk.
    #[inline]
    pub(crate) fn mark(&self, place: Place) {
        let table = match place.kind() {
            Place::QUOTAS => self.quotas[0].get(),
            Place::QUOTAS_VERIFIED => self.quotas[1].get(),
            _ => return,
        };
        if let Some(table) = table {
            table.mark(place.index());
        }
    }

    /// A call was counted in an overflow bucket.
    pub(crate) fn count_overflow(&self) {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn table<'t, E: crate::slot::Extra>(
        &self,
        tables: &'t [OnceLock<Table<E>>; 2],
        verified: bool,
    ) -> &'t Table<E> {
        let keys = if verified { self.capacity.verified_keys } else { self.capacity.keys };
        tables[usize::from(verified)].get_or_init(|| Table::new(keys))
    }
}

fn put_word(cell: &Cell<'_>, rule: WordRule, word: u64) {
    cell.put(word, cell.idle_after(rule, word));
}

impl Usage {
    fn add(&mut self, keys: u64, places: usize, bytes: usize) {
        self.keys += keys;
        self.places += places as u64;
        self.bytes += bytes as u64;
    }
}
