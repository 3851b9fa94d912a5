//! What can stop a scan before it has a report, each with a hint.

/// A scan that could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The request was malformed: usage, exit code 2.
    #[error("{message}")]
    Usage {
        /// What is wrong, with what.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The target or a file it depends on could not be reached: exit code 3.
    #[error("{message}")]
    Unreachable {
        /// What happened, to what.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl ScanError {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    pub(crate) fn unreachable(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unreachable { message: message.into(), hint: hint.into() }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::Usage { hint, .. } | Self::Unreachable { hint, .. } => hint,
        }
    }
}
