//! OpenAPI 3.0 and 3.1: which operations there are, and which of their parameters page.

/// What the scanner needs to know of an API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApiDescription {
    /// `info.title`.
    pub title: String,
    /// All operations, in document order, at most [`MAX_OPERATIONS`].
    pub operations: Vec<ApiOperation>,
}

/// The most operations that are read.
pub const MAX_OPERATIONS: usize = 2_000;

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
