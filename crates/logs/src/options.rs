//! What is known of a source's lines before they are read.

use crate::form::Form;

/// What the lines of a source are. The default finds out everything by itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form, where lines of others are to be unreadable.
    pub form: Option<Form>,
    /// The year of dates that have none (syslog, RFC 3164). Lines that have no other date are unreadable without it.
    pub year: Option<i16>,
    /// Seconds east of UTC of dates that have no zone (nginx's error log, HAProxy, syslog). Default 0: UTC.
    pub offset_secs: i32,
}
