//! The tables of a store, and the doors to them that are not a decision.

use std::sync::OnceLock;

use ratewarden_limiter::{Rule, Standing, Time, WindowState, WordRule};

use crate::key::Key;
use crate::slot::{Counts, Slot, store_counts, window_state};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::table::Table;

/// Limits of a policy, and so overflow buckets.
const LIMITS: usize = 256;

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
/// Tables of a kind are allocated when a limit first needs them; 40 bytes for each key of rates, concurrency and
/// quotas, 120 for each key of sliding windows, of the [`Capacity`], whether used or not.
#[derive(Debug)]
pub struct Counters {
    capacity: Capacity,
    words: [OnceLock<Table<()>>; 2],
    quotas: [OnceLock<Table<()>>; 2],
    windows: [OnceLock<Table<Counts>>; 2],
    overflow: Box<[Slot<Counts>]>,
    overflowed: AtomicU64,
}

/// A table, in the order in which places are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Words(bool),
    Quotas(bool),
    Windows(bool),
    Overflow,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    kind: Kind,
    index: usize,
}

/// A slot of whichever table.
pub(crate) enum Cell<'s> {
    Word(&'s Slot<()>),
    Wide(&'s Slot<Counts>),
    /// Everybody's who has no place: its id is nobody's and never changes.
    Overflow(&'s Slot<Counts>),
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
            overflow: (0..LIMITS).map(|_| Slot::default()).collect(),
            overflowed: AtomicU64::new(0),
        }
    }

    /// What the key has left of the limit.
    #[must_use]
    pub fn standing(&self, key: &Key, rule: &Rule, now: Time) -> Standing {
        let cell = self.find(key, rule).and_then(|place| self.cell(place));
        match rule {
            Rule::Word(rule) => rule.standing(cell.map_or(0, |cell| cell.peek()), now),
            Rule::Window(window) => {
                let state = cell.map_or_else(WindowState::default, |cell| {
                    let word = cell.hold();
                    let state = cell.window(word);
                    cell.release(word);
                    state
                });
                window.standing(&state, now)
            }
        }
    }

    /// Charges `cost` after the fact, whether it is there or not: bytes of a response, a price it names.
    /// `overflow` is what the verdict of the call said.
    pub fn settle(&self, key: &Key, rule: &Rule, cost: u64, overflow: bool, now: Time) {
        let place = if overflow { None } else { self.place(key, rule, now) };
        self.change(place.unwrap_or(Place::overflow(key)), key, |cell, word| match rule {
            Rule::Word(rule) => put_word(cell, *rule, rule.settle(word, cost, now)),
            Rule::Window(window) => {
                let after = window.settle(&cell.window(word), cost, now);
                cell.put_window(&after, window.idle_at(&after));
            }
        });
    }

    /// Gives `cost` back: a refund, or the places of a call that has ended. A key that is no longer there has
    /// nothing to be given back.
    pub fn refund(&self, key: &Key, rule: &Rule, cost: u64, overflow: bool) {
        let place = if overflow { Some(Place::overflow(key)) } else { self.find(key, rule) };
        let Some(place) = place else { return };
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

    fn change(&self, place: Place, key: &Key, with: impl FnOnce(&Cell<'_>, u64)) {
        let Some(cell) = self.cell(place) else { return };
        let word = cell.hold();
        if cell.is(key.id) {
            with(&cell, word);
            self.changed(place);
        } else {
            cell.release(word);
        }
    }

    /// Where the key stands, if it does.
    pub(crate) fn find(&self, key: &Key, rule: &Rule) -> Option<Place> {
        let kind = Kind::of(key, rule);
        let index = match kind {
            Kind::Words(verified) => self.words[usize::from(verified)].get()?.find(key),
            Kind::Quotas(verified) => self.quotas[usize::from(verified)].get()?.find(key),
            Kind::Windows(verified) => self.windows[usize::from(verified)].get()?.find(key),
            Kind::Overflow => None,
        }?;
        Some(Place { kind, index })
    }

    /// Where the key stands from now on; `None` when there is no place for it.
    pub(crate) fn place(&self, key: &Key, rule: &Rule, now: Time) -> Option<Place> {
        let kind = Kind::of(key, rule);
        let keys = if key.verified { self.capacity.verified_keys } else { self.capacity.keys };
        let word = |tables: &[OnceLock<Table<()>>; 2], verified: bool| {
            tables[usize::from(verified)].get_or_init(|| Table::new(keys)).find_or_place(key, now)
        };
        let index = match kind {
            Kind::Words(verified) => word(&self.words, verified),
            Kind::Quotas(verified) => word(&self.quotas, verified),
            Kind::Windows(verified) => {
                let table = self.windows[usize::from(verified)].get_or_init(|| Table::new(keys));
                table.find_or_place(key, now)
            }
            Kind::Overflow => None,
        };
        if index.is_none() {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
        }
        Some(Place { kind, index: index? })
    }

    pub(crate) fn cell(&self, place: Place) -> Option<Cell<'_>> {
        match place.kind {
            Kind::Words(verified) => {
                self.words[usize::from(verified)].get()?.slot(place.index).map(Cell::Word)
            }
            Kind::Quotas(verified) => {
                self.quotas[usize::from(verified)].get()?.slot(place.index).map(Cell::Word)
            }
            Kind::Windows(verified) => {
                self.windows[usize::from(verified)].get()?.slot(place.index).map(Cell::Wide)
            }
            Kind::Overflow => self.overflow.get(place.index).map(Cell::Overflow),
        }
    }

    /// A place's state has changed: quotas go to disk.
    pub(crate) fn changed(&self, place: Place) {
        if let Kind::Quotas(verified) = place.kind
            && let Some(table) = self.quotas[usize::from(verified)].get()
        {
            table.mark(place.index);
        }
    }
}

fn put_word(cell: &Cell<'_>, rule: WordRule, word: u64) {
    cell.put(word, rule.idle_at(word));
}

impl Usage {
    fn add(&mut self, keys: u64, places: usize, bytes: usize) {
        self.keys += keys;
        self.places += places as u64;
        self.bytes += bytes as u64;
    }
}

impl Kind {
    const fn of(key: &Key, rule: &Rule) -> Self {
        match rule {
            Rule::Word(WordRule::Quota(_)) => Self::Quotas(key.verified),
            Rule::Word(_) => Self::Words(key.verified),
            Rule::Window(_) => Self::Windows(key.verified),
        }
    }
}

impl Place {
    pub(crate) const fn overflow(key: &Key) -> Self {
        Self { kind: Kind::Overflow, index: key.ordinal as usize }
    }
}

impl Cell<'_> {
    pub(crate) fn is(&self, id: u128) -> bool {
        match self {
            Self::Word(slot) => slot.is(id),
            Self::Wide(slot) => slot.is(id),
            Self::Overflow(_) => true,
        }
    }

    pub(crate) fn peek(&self) -> u64 {
        match self {
            Self::Word(slot) => slot.peek(),
            Self::Wide(slot) | Self::Overflow(slot) => slot.peek(),
        }
    }

    pub(crate) fn hold(&self) -> u64 {
        match self {
            Self::Word(slot) => slot.hold(),
            Self::Wide(slot) | Self::Overflow(slot) => slot.hold(),
        }
    }

    pub(crate) fn release(&self, word: u64) {
        match self {
            Self::Word(slot) => slot.release(word),
            Self::Wide(slot) | Self::Overflow(slot) => slot.release(word),
        }
    }

    pub(crate) fn put(&self, word: u64, idle_at: Time) {
        match self {
            Self::Word(slot) => slot.put(word, idle_at),
            Self::Wide(slot) | Self::Overflow(slot) => slot.put(word, idle_at),
        }
    }

    /// The window's state; only while the cell is held.
    pub(crate) fn window(&self, word: u64) -> WindowState {
        match self {
            Self::Word(_) => WindowState::default(),
            Self::Wide(slot) | Self::Overflow(slot) => window_state(word, &slot.extra),
        }
    }

    /// Puts a window's state back and lets go.
    pub(crate) fn put_window(&self, state: &WindowState, idle_at: Time) {
        if let Self::Wide(slot) | Self::Overflow(slot) = self {
            store_counts(&slot.extra, state);
            slot.put(state.newest, idle_at);
        }
    }
}
