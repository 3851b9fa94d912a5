//! The calls of a batch, sorted by the detectors that want them.
//!
//! Detectors know nothing of each other, so a batch can go to one after the other instead of each call to all. Then what
//! a detector does is guessed right by the processor, and the groups of many calls are brought near together before
//! they are asked: most of the time of a call was waiting for one table after another.

use crate::detector::{Around, Machine, Seen};

/// Calls whose groups are brought near together: as many as stay near until they are asked.
const TOGETHER: usize = 64;

/// For each detector the places of the calls that it wants.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<Vec<u32>>,
    /// Detectors that want any.
    wanted: u128,
    groups: Vec<u64>,
}

impl Lanes {
    /// Sorts the calls of a batch by the bits of their detectors.
    #[inline]
    pub(super) fn fill(&mut self, detectors: impl Iterator<Item = u128>) {
        self.lanes.resize_with(u128::BITS as usize, Vec::new);
        for (place, mut wanting) in (0_u32..).zip(detectors) {
            self.wanted |= wanting;
            while wanting != 0 {
                self.lanes[wanting.trailing_zeros() as usize].push(place);
                wanting &= wanting - 1;
            }
        }
    }

    /// A detector that wants calls, once each.
    #[inline]
    pub(super) fn next(&mut self) -> Option<usize> {
        let place = (self.wanted != 0).then(|| self.wanted.trailing_zeros() as usize)?;
        self.wanted &= self.wanted - 1;
        Some(place)
    }

    /// Gives its calls to the detector at `place`, and tells of each that is not quiet: its place, its group, and what is
    /// said.
    pub(super) fn give(
        &mut self,
        place: usize,
        machine: &mut Machine,
        around: &Around<'_>,
        mut tell: impl FnMut(u32, u64, Seen),
    ) {
        let Self { lanes, groups, .. } = self;
        let Some(lane) = lanes.get_mut(place) else { return };
        let events = &around.batch.events;
        if lane.len() > 1 && machine.asks_for_order() {
            // The same order whatever that of the lines within the second.
            let batch = around.batch;
            let is_refused = |event: u32| matches!(events[event as usize].status, 401 | 403);
            lane.sort_by_cached_key(|&event| (is_refused(event), batch.said(event)));
        }
        let (waits, mut any) = (machine.rises_and_falls(), false);
        for places in lane.chunks(TOGETHER) {
            groups.clear();
            groups.extend(places.iter().map(|&event| machine.group(&events[event as usize], around)));
            machine.touch(groups);
            for (&event, &group) in places.iter().zip(&*groups) {
                if group == 0 {
                    continue;
                }
                match machine.see(group, &events[event as usize], around) {
                    Seen::Quiet => {}
                    _ if waits => any = true,
                    seen => tell(event, group, seen),
                }
            }
        }
        if any {
            for &event in &*lane {
                let group = machine.group(&events[event as usize], around);
                if group == 0 {
                    continue;
                }
                match machine.again(group, &events[event as usize], around) {
                    Seen::Quiet => {}
                    seen => tell(event, group, seen),
                }
            }
        }
        lane.clear();
    }
}
