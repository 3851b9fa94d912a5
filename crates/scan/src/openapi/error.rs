//! Why a description could not be used, and what to do about it.

use super::MAX_DOCUMENT_BYTES;

/// A description that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenApiError {
    /// More than [`MAX_DOCUMENT_BYTES`].
    #[error("the OpenAPI document has {} MiB, and at most {} MiB are read", .bytes.div_ceil(1 << 20), MAX_DOCUMENT_BYTES >> 20)]
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
    },
    /// Neither JSON nor YAML that can be read.
    #[error("the OpenAPI document is no {format} that can be read: line {line}, column {column}: {message}")]
    Broken {
        /// `JSON` or `YAML`, by its first character.
        format: &'static str,
        /// Counted from 1.
        line: u64,
        /// Counted from 1.
        column: u64,
        /// What the parser found.
        message: String,
    },
    /// It unfolds into more than is read: nesting, aliases (a "billion laughs") or sheer number of values.
    #[error("the OpenAPI document unfolds into more than is read: {message}")]
    TooComplex {
        /// Which bound was passed.
        message: String,
    },
    /// Swagger 2.0.
    #[error("the document is Swagger {version}, and only OpenAPI 3 is read")]
    Swagger {
        /// What it says in `swagger`.
        version: String,
    },
    /// An OpenAPI of another major version.
    #[error("the document is OpenAPI {version}, and only OpenAPI 3 is read")]
    Version {
        /// What it says in `openapi`.
        version: String,
    },
    /// Something else altogether.
    #[error("the document is no OpenAPI description: {found}")]
    NotOpenApi {
        /// What it is instead.
        found: &'static str,
    },
}

impl OpenApiError {
    /// What the user can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => {
                "pass a smaller document: only the operations to scan, and without long examples"
            }
            Self::Broken { .. } => {
                "mend the document at that place; `--openapi` reads JSON and YAML in UTF-8"
            }
            Self::TooComplex { .. } => {
                "write the document without nested aliases, and only the operations to scan"
            }
            Self::Swagger { .. } => "convert it to OpenAPI 3, for example with `npx swagger2openapi FILE`",
            Self::Version { .. } => "pass the 3.0 or 3.1 form of the document",
            Self::NotOpenApi { .. } => {
                "pass a document that begins with `openapi: 3.1.0` or `{\"openapi\": \"3.1.0\"`"
            }
        }
    }
}
