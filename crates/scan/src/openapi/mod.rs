//! OpenAPI 3.0 and 3.1: which operations there are, and which of their parameters page.
//!
//! The document is read as an untyped tree: descriptions in the wild break their own schema in a hundred small
//! ways, and one odd field must not hide the other operations.

mod document;
mod error;
mod example;
mod matching;
mod operations;
#[cfg(test)]
mod tests;
mod tree;

use serde_json::Value;

pub use error::OpenApiError;

use document::Document;

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// The most operations that are read.
pub const MAX_OPERATIONS: usize = 2_000;

/// Where APIs usually serve their description, the likeliest first.
pub const USUAL_PATHS: &[&str] = &[
    "/openapi.json", // FastAPI, and the specification's own recommendation
    "/v3/api-docs",  // springdoc
    "/swagger.json", // Flask-RESTX and many more; often OpenAPI 3 in spite of the name
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
        matching::find(&self.operations, method, path)
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

/// Reads a description, JSON or YAML in UTF-8. References are followed within the document only; one that leads
/// in a circle, elsewhere or nowhere leaves out what it stands for.
///
/// # Errors
/// When the document is larger than [`MAX_DOCUMENT_BYTES`], unfolds into more than is read, cannot be read, or is
/// not OpenAPI 3.
pub fn parse(bytes: &[u8]) -> Result<ApiDescription, OpenApiError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(OpenApiError::TooLarge { bytes: bytes.len() as u64 });
    }
    let start = bytes.trim_ascii_start();
    if start.is_empty() {
        return Err(OpenApiError::NotOpenApi { found: "it is empty" });
    }
    if start.starts_with(b"<") {
        return Err(OpenApiError::NotOpenApi { found: "it is a web page or XML" });
    }
    let root = tree::read(bytes)?;
    check_version(&root)?;
    let title = root.pointer("/info/title").and_then(Value::as_str).unwrap_or_default();
    let title = title.chars().take(200).collect();
    let (operations, truncated) = operations::all(&Document::new(root));
    Ok(ApiDescription { title, operations, truncated })
}

/// In YAML a version without quotes is a number.
fn check_version(root: &Value) -> Result<(), OpenApiError> {
    let version = |key: &str| match root.get(key)? {
        Value::String(text) => Some(text.chars().take(20).collect::<String>()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match (version("openapi"), version("swagger")) {
        (Some(version), _) if version.trim().starts_with("3.") => Ok(()),
        (Some(version), _) => Err(OpenApiError::Version { version }),
        (None, Some(version)) => Err(OpenApiError::Swagger { version }),
        (None, None) if root.is_object() => {
            Err(OpenApiError::NotOpenApi { found: "it has no `openapi` member" })
        }
        (None, None) => Err(OpenApiError::NotOpenApi { found: "it is no object" }),
    }
}
