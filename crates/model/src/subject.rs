//! What a finding is about.

use serde::{Deserialize, Serialize};

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Subject {
    /// An operation of an API, as it was scanned.
    Endpoint {
        /// The HTTP method, upper case.
        method: String,
        /// The absolute URL without credentials and without query values.
        url: String,
    },
    /// Anything that one value names.
    Named {
        /// What it is.
        kind: SubjectKind,
        /// Its name; never a secret.
        value: String,
    },
}

/// What can be named by one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubjectKind {
    /// Method and path template.
    Route,
    /// A client's address.
    Address,
    /// A network, such as `192.0.2.0/24`.
    Prefix,
    /// An autonomous system, such as `AS64496`.
    Asn,
    /// A country, ISO 3166-1 alpha-2.
    Country,
    /// Whom calls are counted against: name, or kind and a few digits of the hash.
    Caller,
    /// A credential, by its keyed hash.
    Token,
    /// A user's name.
    User,
    /// A partition key.
    Key,
    /// A job.
    Job,
    /// A cluster.
    Cluster,
    /// A node.
    Node,
    /// A keyspace.
    Keyspace,
    /// A table.
    Table,
    /// A statement.
    Statement,
    /// A file, as the user named it.
    File,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Route,
        Self::Address,
        Self::Prefix,
        Self::Asn,
        Self::Country,
        Self::Caller,
        Self::Token,
        Self::User,
        Self::Key,
        Self::Job,
        Self::Cluster,
        Self::Node,
        Self::Keyspace,
        Self::Table,
        Self::Statement,
        Self::File,
    ];

    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Address => "address",
            Self::Prefix => "prefix",
            Self::Asn => "asn",
            Self::Country => "country",
            Self::Caller => "caller",
            Self::Token => "token",
            Self::User => "user",
            Self::Key => "key",
            Self::Job => "job",
            Self::Cluster => "cluster",
            Self::Node => "node",
            Self::Keyspace => "keyspace",
            Self::Table => "table",
            Self::Statement => "statement",
            Self::File => "file",
        }
    }
}

impl Subject {
    /// What one value names.
    #[must_use]
    pub fn named(kind: SubjectKind, value: impl Into<String>) -> Self {
        Self::Named { kind, value: value.into() }
    }

    /// One line: `GET https://…`, or the value.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Endpoint { method, url } => format!("{method} {url}"),
            Self::Named { value, .. } => value.clone(),
        }
    }

    /// The word for what it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => "endpoint",
            Self::Named { kind, .. } => kind.as_str(),
        }
    }
}

/// As it stands in a document.
#[derive(Serialize, Deserialize)]
struct Written {
    kind: WrittenKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenKind {
    Named(SubjectKind),
    Endpoint(Endpoint),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Endpoint {
    Endpoint,
}

impl From<Subject> for Written {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Endpoint { method, url } => Self {
                kind: WrittenKind::Endpoint(Endpoint::Endpoint),
                method: Some(method),
                url: Some(url),
                value: None,
            },
            Subject::Named { kind, value } => {
                Self { kind: WrittenKind::Named(kind), method: None, url: None, value: Some(value) }
            }
        }
    }
}

impl TryFrom<Written> for Subject {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written { kind: WrittenKind::Named(kind), value: Some(value), .. } => {
                Ok(Self::Named { kind, value })
            }
            Written { kind: WrittenKind::Endpoint(_), method: Some(method), url: Some(url), .. } => {
                Ok(Self::Endpoint { method, url })
            }
            _ => Err("a subject has a `value`, an endpoint has `method` and `url`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_and_read_back() {
        for kind in SubjectKind::ALL {
            let subject = Subject::named(kind, "x");
            let json = serde_json::json!({ "kind": kind.as_str(), "value": "x" });
            assert_eq!(serde_json::to_value(&subject).unwrap(), json);
            assert_eq!(serde_json::from_value::<Subject>(json).unwrap(), subject);
        }
        let endpoint = Subject::Endpoint { method: "GET".into(), url: "http://h/".into() };
        let json = serde_json::json!({ "kind": "endpoint", "method": "GET", "url": "http://h/" });
        assert_eq!(serde_json::to_value(&endpoint).unwrap(), json);
        assert_eq!(serde_json::from_value::<Subject>(json).unwrap(), endpoint);
    }

    #[test]
    fn a_subject_without_its_value_is_none() {
        assert!(serde_json::from_value::<Subject>(serde_json::json!({ "kind": "address" })).is_err());
        assert!(
            serde_json::from_value::<Subject>(serde_json::json!({ "kind": "endpoint", "value": "x" }))
                .is_err()
        );
    }
}
