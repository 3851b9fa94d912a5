//! A disk that is really full. The same with a database that may not grow is among the tests of the outbox, so on a machine
//! where nothing may be mounted this one says so and returns.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ratewarden_alerts::{Kept, State};

use super::receiver::Place;
use super::{PATIENCE, config, finding, now_ms, start, status, webhook};

/// A small file system, gone with this.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(at).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_that_fits_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(&folder.path().join("small")) else {
        eprintln!("not run: this user may not mount a file system");
        return;
    };
    let place = Place::take();
    let config = config(vec![webhook("ops", &place.url())]);
    let alerts = start(&config, &small.0.join("outbox"));
    assert_eq!(alerts.handle(&finding(0), State::Opened, now_ms()), Kept::OnDisk);
    let filler = small.0.join("filler");
    // Until it is full: what `write` says then is what is wanted.
    let _ = std::fs::write(&filler, vec![0; 1 << 20]);
    let kept: Vec<Kept> =
        (1..50).map(|number| alerts.handle(&finding(number), State::Opened, now_ms())).collect();
    assert_eq!(kept.last(), Some(&Kept::InMemory));
    assert_eq!(status(&alerts, 0).waiting, 50);
    std::fs::remove_file(filler).unwrap();
    super::until("it is on the disk again", || alerts.status().kept == Kept::OnDisk);
    drop(alerts);
    let alerts = start(&config, &small.0.join("outbox"));
    let hook = place.start(&[]);
    assert!(alerts.flush(PATIENCE));
    let expected: Vec<String> = (0..50).map(|number| format!("opened caller-{number}")).collect();
    assert_eq!(hook.taken(), expected);
    drop(alerts);
}
