//! The condition of a limit, in CEL.

use crate::build::Builder;
use crate::notes::{Place, Span};

impl Builder<'_> {
    pub(crate) fn condition(&mut self, _text: &str, _span: &Span, _place: &Place<'_>) {}
}
