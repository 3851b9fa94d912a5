//! A secret that stays the same on this machine.

use ratewarden_callers::KeyIds;

/// Where systems keep what tells them apart from all others.
const MACHINE: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/// A secret for hashes of credentials where no store has one: made from the machine's id, so that a finding about a
/// credential has the same fingerprint in each run, and random where the machine has none.
///
/// # Errors
/// When there is neither an id nor random bytes.
pub fn machine_secret() -> Result<[u8; 16], getrandom::Error> {
    let id = MACHINE.iter().find_map(|path| std::fs::read(path).ok()).filter(|id| id.len() >= 16);
    match id {
        // An id is not for the eyes of others (machine-id(5)); a keyed hash of it is not it.
        Some(id) => Ok(KeyIds::new(b"ratewarden watch").of(id.trim_ascii()).to_le_bytes()),
        None => {
            let mut secret = [0; 16];
            getrandom::fill(&mut secret)?;
            Ok(secret)
        }
    }
}
