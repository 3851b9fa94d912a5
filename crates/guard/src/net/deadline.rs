//! Deadlines that cost a store, not a timer.
//!
//! A connection writes down until when it is willing to wait, and the worker looks at all of them a few times a
//! second: the price is one write per wait, and that a deadline may be late by [`PERIOD`]. A timer for each wait
//! would be put into the runtime's wheel and taken out again several times for every call.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How often the worker looks, and so how late a deadline may be.
pub(crate) const PERIOD: Duration = Duration::from_millis(100);

/// Connections woken in one go. A flood that was begun at once is over at once too, and ends its waits in one look; calls
/// that are under way would have to wait for all of it.
const AT_ONCE: usize = 32;

/// Until when one connection waits.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    at: Cell<Option<Instant>>,
    /// Between two calls: such a wait ends early when the gateway is ended.
    idle: Cell<bool>,
    passed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A wait that took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Late;

/// All deadlines of a worker.
#[derive(Debug)]
pub(crate) struct Deadlines {
    all: RefCell<Vec<Weak<Deadline>>>,
    now: Cell<Instant>,
    /// When waits between two calls end.
    idle_until: Cell<Option<Instant>>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { all: RefCell::default(), now: Cell::new(Instant::now()), idle_until: Cell::new(None) }
    }
}

impl Deadlines {
    /// A deadline that is looked at for as long as somebody holds it.
    pub(crate) fn add(&self) -> Rc<Deadline> {
        let deadline = Rc::new(Deadline::default());
        self.all.borrow_mut().push(Rc::downgrade(&deadline));
        deadline
    }

    /// The time of the last look: at most [`PERIOD`] old, and free.
    pub(crate) fn now(&self) -> Instant {
        self.now.get()
    }

    /// From `at` on nobody waits between two calls.
    pub(crate) fn end_idle_at(&self, at: Instant) {
        self.idle_until.set(Some(at));
    }

    /// Ends at once, for want of room, the waits between two calls that have at most `left` to go: the `most` of them
    /// that would end first, which are those that have waited for longest. Returns how many.
    pub(crate) fn end_idle_early(&self, left: Duration, most: usize) -> usize {
        let before = self.now() + left;
        let all = self.all.borrow();
        let mut idle: Vec<(Instant, Rc<Deadline>)> = all
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|deadline| deadline.idle.get() && !deadline.passed.get())
            .filter_map(|deadline| Some((deadline.at.get().filter(|at| *at <= before)?, deadline)))
            .collect();
        if idle.len() > most {
            idle.select_nth_unstable_by_key(most, |(at, _)| *at);
            idle.truncate(most);
        }
        for (_, deadline) in &idle {
            deadline.passed.set(true);
            if let Some(waker) = deadline.waker.borrow_mut().take() {
                waker.wake();
            }
        }
        idle.len()
    }

    /// Finds every connection whose deadline has passed, and forgets those that have ended. Who is found must be woken.
    fn look(&self, now: Instant) -> Vec<Waker> {
        self.now.set(now);
        let idle_ends = self.idle_until.get().is_some_and(|at| at <= now);
        let mut late = Vec::new();
        self.all.borrow_mut().retain(|deadline| {
            let Some(deadline) = deadline.upgrade() else { return false };
            let over = deadline.at.get().is_some_and(|at| at <= now || (idle_ends && deadline.idle.get()));
            if over {
                deadline.passed.set(true);
                late.extend(deadline.waker.borrow_mut().take());
            }
            true
        });
        late
    }

    /// Looks until the worker ends, and does after each look what else is to be done so often.
    pub(crate) async fn keep(self: Rc<Self>, also: impl Fn()) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut late = self.look(Instant::now()).into_iter();
            also();
            while late.len() > 0 {
                late.by_ref().take(AT_ONCE).for_each(Waker::wake);
                // What can be read or written by now comes before the next of them.
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Deadline {
    /// Waits for `future`, until `at` at the latest. What is ready is never late.
    ///
    /// # Errors
    /// [`Late`] when `at` has passed first.
    pub(crate) async fn until<F: Future>(&self, at: Instant, future: F) -> Result<F::Output, Late> {
        let mut future = pin!(future);
        let _over = Over(self);
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            if self.passed.get() {
                return Poll::Ready(Err(Late));
            }
            self.at.set(Some(at));
            self.wake(context);
            Poll::Pending
        })
        .await
    }

    /// As [`Deadline::until`], for the time between two calls.
    pub(crate) async fn idle_until<F: Future>(&self, at: Instant, future: F) -> Result<F::Output, Late> {
        self.idle.set(true);
        self.until(at, future).await
    }

    /// Until when [`Deadline::over`] waits, as a wait between two calls; `None` while a call is under way.
    pub(crate) fn set_idle(&self, until: Option<Instant>) {
        self.at.set(until);
        self.idle.set(until.is_some());
        self.passed.set(false);
    }

    /// Waits until what [`Deadline::set_idle`] says has passed. That may change meanwhile, at the price of a store:
    /// calls come and go beside this wait, and need not wake it.
    pub(crate) async fn over(&self) {
        poll_fn(|context| {
            if self.passed.get() {
                return Poll::Ready(());
            }
            self.wake(context);
            Poll::Pending
        })
        .await;
    }

    fn wake(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
    }
}

/// Waits that each may last as long, one after the other.
#[derive(Debug)]
pub(crate) struct Patience {
    deadlines: Rc<Deadlines>,
    deadline: Rc<Deadline>,
    each: Duration,
}

impl Patience {
    /// Waits of at most `each`.
    pub(crate) fn new(deadlines: &Rc<Deadlines>, each: Duration) -> Self {
        Self { deadlines: Rc::clone(deadlines), deadline: deadlines.add(), each }
    }

    /// Waits for `future`.
    ///
    /// # Errors
    /// [`Late`] when it took too long.
    pub(crate) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Late> {
        self.wait_since(self.deadlines.now(), future).await
    }

    /// Waits for `future`, whose time began at `since`.
    ///
    /// # Errors
    /// [`Late`] when it took too long.
    pub(crate) async fn wait_since<F: Future>(&self, since: Instant, future: F) -> Result<F::Output, Late> {
        self.deadline.until(since + self.each, future).await
    }

    /// The time of the last look.
    pub(crate) fn now(&self) -> Instant {
        self.deadlines.now()
    }
}

/// Ends a wait, also when it is given up.
struct Over<'d>(&'d Deadline);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.at.set(None);
        self.0.idle.set(false);
        self.0.passed.set(false);
    }
}

#[cfg(test)]
mod tests;
