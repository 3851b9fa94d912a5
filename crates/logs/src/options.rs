//! What is known of a source's lines before they are read.

use crate::date::offset;
use crate::form::Form;
use crate::format::LogFormat;
use crate::json::map::JsonFields;
use crate::mistake::{Mistake, shown, suggestion};

/// What the lines of a source are. The default finds out everything by itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The form, where lines of others are to be unreadable.
    pub form: Option<Form>,
    /// A `log_format` that every line has. It goes before `form` and `json_fields`.
    pub log_format: Option<LogFormat>,
    /// Which values of JSON lines are what; lines that are no JSON are unreadable then.
    pub json_fields: Option<JsonFields>,
    /// The year of dates that have none (syslog, RFC 3164). Lines that have no other date are unreadable without it.
    pub year: Option<i16>,
    /// Seconds east of UTC of dates that have no zone (nginx's error log, HAProxy, syslog). Default 0: UTC.
    pub offset_secs: i32,
}

impl Options {
    /// Takes the name of a preset (`nginx-main`, `json-caddy`…) or a `log_format` of nginx, also with the whole directive
    /// round it (`log_format main escape=json '…';`).
    ///
    /// # Errors
    /// When it is neither: the mistake says where, and suggests what may have been meant.
    pub fn parse_log_format(&mut self, text: &str) -> Result<(), Mistake> {
        let text = text.trim();
        if let Some(form) = Form::from_name(text) {
            (self.form, self.log_format) = (Some(form), None);
            return Ok(());
        }
        if !text.contains('$') {
            let names = || Form::ALL.into_iter().filter(|form| *form != Form::Custom).map(Form::name);
            let mistake = Mistake::new(
                format!("\"{}\" is neither a known form nor a format with variables", shown(text)),
                1,
            );
            return Err(match suggestion(text, names()) {
                Some(known) => mistake.hint(format!("did you mean {known}?")),
                None if text.contains('%') => {
                    mistake.hint("formats are nginx's, such as '$remote_addr - $remote_user [$time_local] \"$request\" $status'")
                }
                None => mistake.hint(format!("forms are {}", names().collect::<Vec<_>>().join(", "))),
            });
        }
        self.log_format = Some(LogFormat::parse(text)?);
        self.form = None;
        Ok(())
    }

    /// Takes a field map for JSON lines; [`JsonFields::parse`] says how it is written.
    ///
    /// # Errors
    /// When it names an unknown field or says too little.
    pub fn parse_json_fields(&mut self, text: &str) -> Result<(), Mistake> {
        self.json_fields = Some(JsonFields::parse(text)?);
        Ok(())
    }

    /// Takes the zone of dates that have none: `+02:00`, `-0530`, `+02` or `Z`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse_utc_offset(&mut self, text: &str) -> Result<(), Mistake> {
        let secs = match text.trim().as_bytes() {
            b"Z" | b"z" => Some(0),
            zone => offset(zone),
        };
        let secs = secs.and_then(|secs| i32::try_from(secs).ok()).ok_or_else(|| {
            Mistake::new(format!("\"{}\" is no offset from UTC", shown(text)), 1)
                .hint("write hours and minutes east of UTC, such as +02:00 or -05:30")
        })?;
        self.offset_secs = secs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_hours_and_minutes_east_of_utc() {
        let read = |text: &str| {
            let mut options = Options::default();
            options.parse_utc_offset(text).ok().map(|()| options.offset_secs)
        };
        for (text, secs) in [("+02:00", 7_200), ("-0530", -19_800), ("+01", 3_600), ("Z", 0)] {
            assert_eq!(read(text), Some(secs), "{text}");
        }
        for text in ["", "2", "02:00", "+2", "+24:00", "+01:60", "Europe/Berlin", "+1:00:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
