//! Reads the lines of one source.

use ratewarden_model::Call;

use crate::date::Dates;
use crate::fault::Fault;
use crate::form::Form;
use crate::json::forms::{Context, Forms};
use crate::options::Options;
use crate::text;

/// Reads the lines of one source.
#[derive(Debug)]
pub struct Reader {
    wanted: Option<Form>,
    dates: Dates,
    json: Forms,
    /// The form of the last line that was a call: it is tried first.
    last: Form,
    /// How many lines were of each form.
    seen: [u64; Form::ALL.len()],
}

impl Reader {
    /// A reader that has seen nothing yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            wanted: options.form,
            dates: Dates::new(options.year.map(i64::from), i64::from(options.offset_secs)),
            json: Forms::new(None),
            last: options.form.unwrap_or(Form::NginxCombined),
            seen: [0; Form::ALL.len()],
        }
    }

    /// Reads one line and hands on each call in it: mostly one; in CloudTrail's `{"Records":[…]}` several, and one for
    /// each resource where a line says how much of several is held.
    ///
    /// # Errors
    /// When the line is no call, or one of several records is none.
    pub fn read<F: FnMut(&Call<'_>)>(&mut self, line: &[u8], mut each: F) -> Result<(), Fault> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Err(Fault::Empty);
        }
        let form = if line.first() == Some(&b'{') {
            let mut context = Context { dates: &mut self.dates, at: None };
            self.json.read(line, self.wanted.filter(|form| form.is_json()), &mut context, &mut each)?
        } else {
            let (call, form) = text::clf::read(line, &mut self.dates).or_else(|fault| {
                text::clf::read_vhost(line, &mut self.dates)
                    .map(|call| (call, Form::ApacheVhost))
                    .map_err(|_| fault)
            })?;
            each(&call);
            form
        };
        if let Some(seen) = self.seen.get_mut(form as usize) {
            *seen += 1;
        }
        self.last = form;
        Ok(())
    }

    /// The name of the form that most lines had so far; `None` before the first call.
    #[must_use]
    pub fn form(&self) -> Option<&'static str> {
        let most = Form::ALL.into_iter().zip(self.seen).filter(|(_, seen)| *seen > 0);
        most.reduce(|most, other| if other.1 > most.1 { other } else { most }).map(|(form, _)| form.name())
    }
}
