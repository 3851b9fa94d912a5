//! Forms that are text: one line, parts between blanks, quotes and brackets.
//!
//! Which form a line is of shows at its beginning: an address, a bracket, a date, a word. So forms exclude each other, and
//! what a client sends (agents, users, paths) stands too far behind to make a line look like one of another form.

pub(crate) mod address;
pub(crate) mod alb;
pub(crate) mod clf;
pub(crate) mod envoy;
pub(crate) mod haproxy;
pub(crate) mod scan;

use ratewarden_model::Call;

use crate::audit::{cassandra, nginx_error};
use crate::date::Dates;
use crate::fault::Fault;
use crate::form::Form;

/// A call, and what its line was. It is filled in where it lies: handing it up from reader to reader copied it three times.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) call: Call<'a>,
    pub(crate) form: Form,
    /// What the target is in (a keyspace): to be put before it, with a point.
    pub(crate) within: &'a [u8],
}

impl Found<'_> {
    /// Of no line yet.
    pub(crate) const fn none() -> Self {
        Self { call: Call::at(0), form: Form::NginxCombined, within: b"" }
    }
}

/// One form of each family, the strict ones first.
const ORDER: [Form; 7] = [
    Form::CassandraAudit,
    Form::NginxError,
    Form::AwsAlb,
    Form::EnvoyText,
    Form::HaproxyHttp,
    Form::NginxCombined,
    Form::ApacheVhost,
];

/// Reads a line of whichever form it is, `last` tried first. Of faults, one of a form that knew the line as
/// its own is given, if there is one.
#[inline]
pub(crate) fn read<'a>(
    line: &'a [u8],
    last: Form,
    dates: &mut Dates,
    found: &mut Found<'a>,
) -> Result<(), Fault> {
    match family(last, line, dates, found) {
        read @ (Ok(()) | Err(Fault::NoCall)) => read,
        Err(_) => any(line, dates, found),
    }
}

/// Tries every form, in an order that does not depend on lines before: so a fault does not either.
#[cold]
fn any<'a>(line: &'a [u8], dates: &mut Dates, found: &mut Found<'a>) -> Result<(), Fault> {
    let mut first = Fault::Form;
    for form in ORDER {
        match family(form, line, dates, found) {
            Err(fault) if fault != Fault::NoCall => {
                first = if first == Fault::Form { fault } else { first };
            }
            read => return read,
        }
    }
    Err(first)
}

/// Reads a line of the one form that the user asked for.
pub(crate) fn read_wanted<'a>(
    line: &'a [u8],
    wanted: Form,
    dates: &mut Dates,
    found: &mut Found<'a>,
) -> Result<(), Fault> {
    family(wanted, line, dates, found)?;
    let fits = match wanted {
        // A combined line may have any tail.
        Form::NginxCombined | Form::ApacheCombined => found.form != Form::ApacheCommon,
        _ => found.form == wanted,
    };
    found.form = wanted;
    if fits { Ok(()) } else { Err(Fault::Form) }
}

/// Reads a line of a form, or of another in its family.
#[inline]
fn family<'a>(form: Form, line: &'a [u8], dates: &mut Dates, found: &mut Found<'a>) -> Result<(), Fault> {
    (found.form, found.within) = (form, b"");
    match form {
        Form::ApacheVhost => clf::read_vhost(line, dates, &mut found.call)?,
        Form::EnvoyText => found.call = envoy::read(line, dates)?,
        Form::HaproxyHttp => found.call = haproxy::read(line, dates)?,
        Form::AwsAlb => found.call = alb::read(line, dates)?,
        Form::NginxError => found.call = nginx_error::read(line, dates)?,
        Form::CassandraAudit => (found.call, found.within) = cassandra::read(line)?,
        _ => found.form = clf::read(line, dates, &mut found.call)?,
    }
    Ok(())
}
