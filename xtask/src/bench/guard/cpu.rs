//! CPU time and memory of a server's processes, from `/proc`.
//!
//! The kernel counts in ticks of 10 ms, so a run must take several seconds of CPU to be exact to less than a per cent.
//! All processes of the server's group count (a master and its workers), but for the shells that lead it.

use std::fs;

use anyhow::{Context as _, Result, ensure};

/// `USER_HZ`: 100 on every architecture we build for (proc(5), `sysconf(_SC_CLK_TCK)`).
const MICROS_PER_TICK: u64 = 10_000;

/// The shell that leads a server's process group, and its child.
const LEADER: &str = "sh";

/// What the processes of a group have used so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    /// Their ids, in order.
    processes: Vec<u32>,
    ticks: u64,
    /// Resident memory of all, in bytes. What they share is counted for each.
    pub(crate) resident: u64,
}

impl Used {
    /// As of now.
    pub(crate) fn by_group(group: u32) -> Result<Self> {
        let mut used = Self { processes: Vec::new(), ticks: 0, resident: 0 };
        for entry in fs::read_dir("/proc").context("could not list /proc: the bench needs Linux")? {
            let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // It may have ended since it was listed; whether one of ours did is asked afterwards.
            let Ok(text) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
            let Some(stat) = stat(&text) else { continue };
            if stat.group != group || stat.name == LEADER {
                continue;
            }
            used.processes.push(id);
            used.ticks += stat.ticks;
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            used.resident += resident(&status).unwrap_or(0);
        }
        used.processes.sort_unstable();
        ensure!(!used.processes.is_empty(), "the process group {group} has no server any more");
        Ok(used)
    }

    /// CPU time since `earlier`, in microseconds.
    pub(crate) fn micros_since(&self, earlier: &Self) -> Result<u64> {
        ensure!(
            self.processes == earlier.processes,
            "processes came or went while they were measured: {:?} became {:?}",
            earlier.processes,
            self.processes
        );
        Ok(self.ticks.saturating_sub(earlier.ticks) * MICROS_PER_TICK)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stat<'t> {
    name: &'t str,
    group: u32,
    /// User and system time together.
    ticks: u64,
}

/// Reads `/proc/PID/stat`. The name stands in parentheses and may itself hold some, and spaces.
fn stat(text: &str) -> Option<Stat<'_>> {
    let (open, close) = (text.find('(')?, text.rfind(')')?);
    let name = text.get(open + 1..close)?;
    // From the third field on (proc(5)): state, parent, group …, the 14th and 15th are the times.
    let fields: Vec<&str> = text.get(close + 1..)?.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat { name, group: fields.get(2)?.parse().ok()?, ticks: number(14)? + number(15)? })
}

/// `VmRSS` of `/proc/PID/status`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_a_name_with_parentheses_and_spaces() {
        let text = "14726 (tmux: (sh) 1) S 14719 14700 27380 0 -1 4194304 99 0 0 0 250 31 0 0 20 0 1 0 335433 3133440\n";
        assert_eq!(stat(text), Some(Stat { name: "tmux: (sh) 1", group: 14_700, ticks: 281 }));
        assert_eq!(stat("14726 (cut off) S 1 2"), None);
        assert_eq!(stat(""), None);
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(resident("Name:\tnginx\nVmPeak:\t   9 kB\nVmRSS:\t    5240 kB\n"), Some(5240 * 1024));
        assert_eq!(resident("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn processes_that_changed_make_no_figure() {
        let used = |processes: &[u32], ticks| Used { processes: processes.to_vec(), ticks, resident: 0 };
        assert_eq!(used(&[3, 4], 250).micros_since(&used(&[3, 4], 200)).unwrap(), 500_000);
        assert!(used(&[3, 5], 250).micros_since(&used(&[3, 4], 200)).is_err());
    }
}
