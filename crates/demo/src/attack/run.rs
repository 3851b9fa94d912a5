//! Two threads, from beginning to end: the honest client, and those it shares the API with.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use tokio::sync::{oneshot, watch};

use super::attackers::{self, Attacker};
use super::honest::{self, Measured, Times};
use super::tally::Tally;
use super::{AttackError, AttackOptions, MAX_PHASE, Outcome, check_addresses};

/// An attack under way. It ends by itself; dropped, it ends at once.
#[derive(Debug)]
pub struct Attack {
    stop: watch::Sender<bool>,
    honest: oneshot::Receiver<Measured>,
    attackers: oneshot::Receiver<Vec<(Attacker, Tally)>>,
    threads: Vec<JoinHandle<()>>,
}

impl Attack {
    /// Begins: the honest client is alone first.
    ///
    /// # Errors
    /// When options are out of their bounds, an address is missing, or the system gives no thread.
    pub fn start(options: AttackOptions) -> Result<Self, AttackError> {
        check(&options)?;
        check_addresses()?;
        let times = Times::of(&options);
        let (stop, stopped) = watch::channel(false);
        let (honest_done, honest) = oneshot::channel();
        let (attackers_done, attackers) = oneshot::channel();
        let others = options.clone();
        // Whoever no longer wants the outcome has dropped the attack.
        let threads = vec![
            thread("honest", stopped.clone(), async move {
                let _ = honest_done.send(honest::measure(&options, times).await);
            })?,
            thread("attackers", stopped, async move {
                let _ = attackers_done.send(attackers::attack(&others, times).await);
            })?,
        ];
        Ok(Self { stop, honest, attackers, threads })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When a thread ended without a result.
    pub async fn outcome(mut self) -> Result<Outcome, AttackError> {
        let (alone, honest) = (&mut self.honest).await.map_err(|_| AttackError::Ended)?;
        let attackers = (&mut self.attackers).await.map_err(|_| AttackError::Ended)?;
        Ok(Outcome { alone, honest, attackers })
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            // One that panicked has said so; the outcome is missing then.
            let _ = thread.join();
        }
    }
}

fn check(options: &AttackOptions) -> Result<(), AttackError> {
    if options.alone.is_zero() || options.alone > MAX_PHASE {
        return Err(AttackError::Options("a time alone of zero, or over ten minutes"));
    }
    if options.attack.is_zero() || options.attack > MAX_PHASE {
        return Err(AttackError::Options("a time of zero, or over ten minutes"));
    }
    if !(1..=1_000).contains(&options.honest_per_s) || !(1..=10_000).contains(&options.attacker_per_s) {
        return Err(AttackError::Options(
            "no calls, or more than 1 000 honest and 10 000 other ones a second",
        ));
    }
    Ok(())
}

/// A thread with a runtime of its own, which ends when its work does or when it is told to.
fn thread(
    name: &str,
    mut stopped: watch::Receiver<bool>,
    work: impl Future<Output = ()> + Send + 'static,
) -> Result<JoinHandle<()>, AttackError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(AttackError::Thread)?;
    let run = move || {
        runtime.block_on(async {
            tokio::select! {
                () = work => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error: io::Error| AttackError::Thread(error))
}
