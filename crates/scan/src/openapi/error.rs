//! Why a description could not be used, and what to do about it.

use super::MAX_DOCUMENT_BYTES;

/// A description that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenApiError {
    /// More than [`MAX_DOCUMENT_BYTES`].
    #[error("the OpenAPI document has {} MiB, and at most {} MiB are read", .bytes.div_ceil(1 << 20), MAX_DOCUMENT_BYTES >> 20)]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
}

impl OpenApiError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => {
                "pass a smaller document: only the operations to scan, and without long examples"
            }
        }
    }
}
