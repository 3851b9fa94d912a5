//! What is allowed but most likely not meant.

use super::Builder;
use crate::file::File;
use crate::policy::Policy;

impl Builder<'_> {
    pub(super) fn warn(&mut self, _file: &File, _policy: &Policy) {}
}
