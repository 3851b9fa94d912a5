//! One program on one core, from its start to its end: time on the clock, CPU time, most memory.
//!
//! CPU time is what the kernel counted for children that were waited for (`/proc/self/stat`, in ticks of 10 ms), so one
//! program runs at a time. Most memory is `VmHWM`, asked for every few milliseconds, since it is gone with the process;
//! it never falls, so only what came in the last of these moments can be missed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// `USER_HZ`: 100 on every architecture we build for (proc(5), `sysconf(_SC_CLK_TCK)`).
const TICK: Duration = Duration::from_millis(10);
/// Time between two looks at the memory.
const LOOK: Duration = Duration::from_millis(5);

/// Writes what the program reads from its standard input.
pub(super) type Feed<'f> = &'f dyn Fn(&mut dyn Write) -> io::Result<()>;

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) clock: Duration,
    /// User and system time of all its threads.
    pub(super) cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub(super) peak: u64,
}

/// A program that is to run.
#[derive(Debug)]
pub(super) struct Program {
    /// For messages.
    pub(super) name: &'static str,
    command: Command,
    printed: PathBuf,
    complained: PathBuf,
}

impl Program {
    /// A program held to one core, what it prints going to files in `folder`.
    pub(super) fn new(name: &'static str, program: &Path, core: usize, folder: &Path) -> Self {
        let mut command = Command::new("taskset");
        command.arg("-c").arg(core.to_string()).arg(program).current_dir(folder);
        let file = |ending: &str| folder.join(format!("{}.{ending}", name.to_lowercase()));
        Self { name, command, printed: file("out"), complained: file("err") }
    }

    /// More words for it.
    pub(super) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Runs it to its end; an ending other than success is an error.
    pub(super) fn run(&mut self, feed: Option<Feed<'_>>) -> Result<Taken> {
        let name = self.name;
        let create =
            |file: &Path| File::create(file).with_context(|| format!("could not write {}", file.display()));
        self.command.stdout(create(&self.printed)?).stderr(create(&self.complained)?);
        self.command.stdin(if feed.is_some() { Stdio::piped() } else { Stdio::null() });
        let before = children()?;
        let start = Instant::now();
        let child = self.command.spawn().context("could not start taskset, which util-linux has")?;
        let (status, fed, peak) =
            attend(child, feed).with_context(|| format!("could not wait for {name}"))?;
        let clock = start.elapsed();
        if !status.success() {
            let said = fs::read_to_string(&self.complained).unwrap_or_default();
            let end: Vec<&str> = said.lines().rev().take(5).collect();
            bail!("{name} failed ({status}): {}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        fed.with_context(|| format!("{name} did not take all lines"))?;
        Ok(Taken { clock, cpu: children()?.saturating_sub(before), peak })
    }

    /// What it printed the last time.
    pub(super) fn printed(&self) -> Result<String> {
        read(&self.printed)
    }

    /// What it wrote to its standard error the last time.
    pub(super) fn complained(&self) -> Result<String> {
        read(&self.complained)
    }
}

fn read(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Feeds it, watches its memory, and waits for its end.
fn attend(mut child: Child, feed: Option<Feed<'_>>) -> Result<(ExitStatus, io::Result<()>, u64)> {
    let ended = AtomicBool::new(false);
    let file = PathBuf::from(format!("/proc/{}/status", child.id()));
    thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                let status = fs::read_to_string(&file).unwrap_or_default();
                peak = peak.max(most_resident(&status).unwrap_or(0));
                thread::sleep(LOOK);
            }
            peak
        });
        let fed = match (feed, child.stdin.take()) {
            (Some(feed), Some(mut stdin)) => feed(&mut stdin),
            _ => Ok(()),
        };
        let status = child.wait();
        ended.store(true, Ordering::Relaxed);
        let peak = looker.join().map_err(|_| anyhow::anyhow!("the look at its memory broke"))?;
        Ok((status?, fed, peak))
    })
}

/// `VmHWM` of a `/proc/PID/status`, in bytes.
fn most_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

/// CPU time of all children that ended and were waited for.
fn children() -> Result<Duration> {
    let text =
        fs::read_to_string("/proc/self/stat").context("could not read /proc: the bench needs Linux")?;
    let ticks = ticks_of_children(&text).context("/proc/self/stat is not as proc(5) has it")?;
    Ok(TICK * ticks)
}

/// Fields 16 and 17 of `/proc/PID/stat`; the second is a name in brackets, which may hold anything.
fn ticks_of_children(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(13);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

/// The last core that this process may run on: the first has most of the interrupts.
pub(super) fn core() -> Result<usize> {
    let status =
        fs::read_to_string("/proc/self/status").context("could not read /proc: the bench needs Linux")?;
    last_allowed(&status).context("/proc/self/status says nothing of cores")
}

fn last_allowed(status: &str) -> Option<usize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim().rsplit([',', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_behind_a_name_that_may_hold_anything() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 11 12 130 14 20 0 1 0 5 6 7";
        assert_eq!(ticks_of_children(stat), Some(144));
        assert_eq!(ticks_of_children("7 (a) S 1"), None);
    }

    #[test]
    fn memory_is_in_kibibytes_and_cores_are_ranges() {
        assert_eq!(most_resident("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!(last_allowed("Cpus_allowed_list:\t0-3,8-11\n"), Some(11));
        assert_eq!(last_allowed("Cpus_allowed_list:\t5\n"), Some(5));
    }

    #[test]
    fn a_program_is_measured_and_fed() {
        let folder = tempfile::tempdir().unwrap();
        let core = core().unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; cat";
        let mut program = Program::new("sh", Path::new("sh"), core, folder.path()).args(&["-c", busy]);
        let taken = program.run(Some(&|out| out.write_all(b"fed\n"))).unwrap();
        assert_eq!(program.printed().unwrap(), "fed\n");
        assert!(
            taken.cpu >= TICK && taken.cpu <= taken.clock + 2 * TICK && taken.peak > 100_000,
            "{taken:?}"
        );
        let failing = Program::new("sh", Path::new("sh"), core, folder.path())
            .args(&["-c", "echo no >&2; exit 3"])
            .run(None);
        assert!(failing.unwrap_err().to_string().contains("no"));
    }
}
