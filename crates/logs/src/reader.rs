//! Reads the lines of one source: envelopes off, form found, calls handed on.

use ratewarden_model::Call;

use crate::date::{Dates, Stamp};
use crate::envelope::{self, Buffers, Peeled};
use crate::fault::Fault;
use crate::form::Form;
use crate::format::LogFormat;
use crate::json::forms::{Context, Forms};
use crate::options::Options;
use crate::text::{self, Found};

/// How many envelopes a line may have one in another.
const ENVELOPES: usize = 3;

/// Reads the lines of one source.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    buffers: [Buffers; ENVELOPES],
    /// Whether the last call came in an envelope: it is looked for first then.
    enveloped: bool,
    /// How many lines were of each form.
    seen: [u64; Form::ALL.len()],
}

impl Reader {
    /// A reader that has seen nothing yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            lines: Lines::new(options),
            buffers: Default::default(),
            enveloped: false,
            seen: [0; Form::ALL.len()],
        }
    }

    /// Reads one line and hands on each call in it: mostly one; in CloudTrail's `{"Records":[…]}` several, and one for
    /// each resource where a line says how much of several is held.
    ///
    /// # Errors
    /// When the line is no call, or one of several records is none. [`Fault::is_unreadable`] says whether to count it.
    pub fn read<F: FnMut(&Call<'_>)>(&mut self, line: &[u8], mut each: F) -> Result<(), Fault> {
        // What is left of a line end of two bytes.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let form = if self.enveloped && self.lines.custom.is_none() {
            self.read_enveloped(line, &mut each)
        } else {
            match self.lines.read(line, Stamp::None, &mut each) {
                Ok(form) => Ok(form),
                Err(fault) => self.read_otherwise(line, fault, &mut each),
            }
        }?;
        if let Some(seen) = self.seen.get_mut(form as usize) {
            *seen += 1;
        }
        Ok(())
    }

    /// The name of the form that most lines had so far; `None` before the first call.
    #[must_use]
    pub fn form(&self) -> Option<&'static str> {
        let most = Form::ALL.into_iter().zip(self.seen).filter(|(_, seen)| *seen > 0);
        most.reduce(|most, other| if other.1 > most.1 { other } else { most }).map(|(form, _)| form.name())
    }

    /// Lines of which a container's log had pieces, but not the last one so far: where nothing follows, they are torn.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.buffers.iter().map(Buffers::unfinished).sum()
    }

    /// A line like the one before it, which had an envelope.
    fn read_enveloped<F: FnMut(&Call<'_>)>(&mut self, line: &[u8], each: &mut F) -> Result<Form, Fault> {
        let Some((buffer, inner)) = self.buffers.split_first_mut() else { return Err(Fault::Form) };
        let peeled = envelope::peel(line, buffer)?;
        self.enveloped = peeled.is_some();
        let peeled = peeled.unwrap_or(Peeled { text: line, stamp: Stamp::None });
        self.lines.read_within(&peeled, inner, each)
    }

    /// A line that is of no form as it stands.
    #[cold]
    fn read_otherwise<F: FnMut(&Call<'_>)>(
        &mut self,
        line: &[u8],
        fault: Fault,
        each: &mut F,
    ) -> Result<Form, Fault> {
        if is_final(fault) {
            return Err(fault);
        }
        let Some((buffer, inner)) = self.buffers.split_first_mut() else { return Err(fault) };
        let peeled = envelope::peel(line, buffer)?.ok_or(fault)?;
        self.enveloped = true;
        self.lines.read_within(&peeled, inner, each)
    }
}

/// Whether a fault says that the line was understood, so that nothing else is to be tried.
const fn is_final(fault: Fault) -> bool {
    matches!(fault, Fault::Empty | Fault::NoCall | Fault::Record | Fault::Piece | Fault::Long)
}

/// Reads lines without envelopes.
#[derive(Debug)]
struct Lines {
    wanted: Option<Form>,
    custom: Option<LogFormat>,
    dates: Dates,
    json: Forms,
    /// The text form of the last line that was a call: it is tried first.
    last: Form,
    scratch: Vec<u8>,
    joined: Vec<u8>,
}

impl Lines {
    fn new(options: &Options) -> Self {
        Self {
            wanted: options.form,
            custom: options.log_format.clone(),
            dates: Dates::new(options.year.map(i64::from), i64::from(options.offset_secs)),
            json: Forms::new(options.json_fields.as_ref()),
            last: Form::NginxCombined,
            scratch: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// Reads what was in an envelope, which may be another one.
    fn read_within<F: FnMut(&Call<'_>)>(
        &mut self,
        peeled: &Peeled<'_>,
        buffers: &mut [Buffers],
        each: &mut F,
    ) -> Result<Form, Fault> {
        let fault = match self.read(peeled.text, peeled.stamp, each) {
            Err(fault) if !is_final(fault) => fault,
            read => return read,
        };
        let Some((buffer, inner)) = buffers.split_first_mut() else { return Err(fault) };
        let peeled = envelope::peel(peeled.text, buffer)?.ok_or(fault)?;
        self.read_within(&peeled, inner, each)
    }

    /// Reads a line as it stands.
    #[inline]
    fn read<F: FnMut(&Call<'_>)>(
        &mut self,
        line: &[u8],
        stamp: Stamp<'_>,
        each: &mut F,
    ) -> Result<Form, Fault> {
        // Not before: blanks at the end of a piece belong to the line.
        let line = line.trim_ascii();
        if line.is_empty() {
            return Err(Fault::Empty);
        }
        if let Some(format) = &self.custom {
            let mut context = Context { dates: &mut self.dates, stamp };
            format.read(line, &mut context, &mut self.scratch, &mut self.joined, each)?;
            return Ok(Form::Custom);
        }
        if line.first() == Some(&b'{') {
            if self.wanted.is_some_and(|form| !form.is_json()) {
                return Err(Fault::Form);
            }
            let mut context = Context { dates: &mut self.dates, stamp };
            return self.json.read(line, self.wanted, &mut context, each);
        }
        if self.json.has_map() {
            return Err(Fault::Form);
        }
        let mut found = Found::none();
        match self.wanted {
            None => text::read(line, self.last, &mut self.dates, &mut found)?,
            Some(form) if form.is_json() => return Err(Fault::Form),
            Some(form) => text::read_wanted(line, form, &mut self.dates, &mut found)?,
        }
        self.last = found.form;
        if found.within.is_empty() {
            each(&found.call);
        } else {
            self.joined.clear();
            for part in [found.within, b".", found.call.target] {
                self.joined.extend_from_slice(part);
            }
            each(&Call { target: &self.joined, ..found.call });
        }
        Ok(found.form)
    }
}
