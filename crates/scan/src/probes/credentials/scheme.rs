//! Where an endpoint takes its credential, and a false one of the same kind.

use base64::Engine as _;

use crate::context::Context;
use crate::http::{Request, Response};
use crate::target::is_secret_query;

/// Header names that are a credential, lower case.
const CREDENTIALS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-ray-authorization",
    "x-anyscale-token",
];

/// Parts of header names that make one a credential.
const CREDENTIAL_PARTS: [&str; 5] = ["token", "secret", "api-key", "apikey", "session"];

/// Words of a 403 that speak of a credential rather than of a firewall.
const ASKS: [&str; 8] =
    ["token", "credential", "api key", "api-key", "apikey", "authenticat", "authoriz", "log in"];

/// How false credentials are sent.
pub(super) struct Scheme {
    fields: Vec<(String, Kind)>,
    /// A query parameter of the target's own that carries the credential.
    query: Option<String>,
    /// The kind of credential is the user's own, not guessed from the answer.
    pub(super) is_users: bool,
}

enum Kind {
    /// The token alone.
    Bare,
    /// A word and the token: `Bearer …`.
    Word(String),
    /// `Basic`: user and password in Base64.
    Basic,
    /// Cookies of these names.
    Cookies(Vec<String>),
}

/// Whether the user sends a credential with every request.
#[must_use]
pub fn carries_credentials(ctx: &Context) -> bool {
    ctx.client.user_headers().any(is_credential) || query_name(ctx).is_some()
}

fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    CREDENTIALS.contains(&name.as_str()) || CREDENTIAL_PARTS.iter().any(|part| name.contains(part))
}

fn query_name(ctx: &Context) -> Option<String> {
    let names = ctx.client.target().query()?.split('&').filter_map(|pair| pair.split_once('='));
    names.map(|(name, _)| name.to_owned()).find(|name| is_secret_query(name))
}

impl Scheme {
    /// How to send false credentials to this endpoint; else why not (nothing to say where none are asked for).
    pub(super) fn of(ctx: &Context) -> Result<Self, Option<String>> {
        if carries_credentials(ctx) {
            if !ctx.baseline.status.is_success() {
                let status = ctx.baseline.status.as_u16();
                return Err(Some(format!(
                    "credential guessing was not tried: your own credential was answered {status}"
                )));
            }
            let names = ctx.client.user_headers().filter(|name| is_credential(name));
            let fields = names.map(|name| (name.to_owned(), Kind::of_user(ctx, name))).collect();
            return Ok(Self { fields, query: query_name(ctx), is_users: true });
        }
        match ctx.baseline.status.as_u16() {
            401 => Ok(Self::asked_for(&ctx.baseline)),
            403 if asks_for_credential(&ctx.baseline) => Ok(Self::asked_for(&ctx.baseline)),
            403 => Err(Some(
                "credential guessing was not tried: the endpoint answers 403 without speaking of a credential".to_owned(),
            )),
            _ => Err(None),
        }
    }

    fn asked_for(refusal: &Response) -> Self {
        let challenge = refusal.header("www-authenticate").unwrap_or_default().trim();
        let word = challenge.split([' ', ',']).next().unwrap_or_default();
        let says_key = refusal.text().to_ascii_lowercase();
        let field = if word.eq_ignore_ascii_case("basic") {
            ("authorization".to_owned(), Kind::Basic)
        } else if word.is_empty()
            && ["api key", "api-key", "apikey", "api_key"].iter().any(|key| says_key.contains(key))
        {
            ("x-api-key".to_owned(), Kind::Bare)
        } else {
            ("authorization".to_owned(), Kind::Word("Bearer".to_owned()))
        };
        Self { fields: vec![field], query: None, is_users: false }
    }

    /// The plain request with another false credential each time.
    pub(super) fn false_request(&self, ctx: &Context) -> Request {
        let mut request = ctx.plain();
        let token = false_token();
        if let Some(name) = &self.query {
            request.path_and_query = with_query_value(&request.path_and_query, name, &token);
        }
        for (name, kind) in &self.fields {
            request = request.header(name.clone(), kind.value(&token));
        }
        request
    }

    /// Where the credential goes, for people.
    pub(super) fn label(&self) -> String {
        let mut places: Vec<String> = self.fields.iter().map(|(name, kind)| kind.label(name)).collect();
        places.extend(self.query.iter().map(|name| format!("query parameter {name}")));
        places.join(", ")
    }
}

impl Kind {
    /// The kind of the user's own header; of its value only the scheme or the cookies' names are taken.
    fn of_user(ctx: &Context, name: &str) -> Self {
        let own = ctx.config.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        let Some(value) = own.map(|(_, value)| value.expose()) else {
            // A header that the user did not write comes from `user:password@` in the URL.
            return Self::Basic;
        };
        if name.eq_ignore_ascii_case("cookie") {
            let pairs = value.split(';').filter_map(|pair| pair.split_once('='));
            return Self::Cookies(pairs.map(|(name, _)| name.trim().to_owned()).collect());
        }
        match value.trim().split_once(' ') {
            Some((word, _)) if word.eq_ignore_ascii_case("basic") => Self::Basic,
            Some((word, _)) if word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
                Self::Word(word.to_owned())
            }
            _ => Self::Bare,
        }
    }

    fn value(&self, token: &str) -> String {
        match self {
            Self::Bare => token.to_owned(),
            Self::Word(word) => format!("{word} {token}"),
            Self::Basic => {
                // A made-up user, so that no real account is locked.
                let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{token}:{token}"));
                format!("Basic {encoded}")
            }
            Self::Cookies(names) => {
                names.iter().map(|name| format!("{name}={token}")).collect::<Vec<_>>().join("; ")
            }
        }
    }

    fn label(&self, name: &str) -> String {
        match self {
            Self::Bare => format!("header {name}"),
            Self::Word(word) => format!("{word} in header {name}"),
            Self::Basic => format!("Basic in header {name}"),
            Self::Cookies(_) => "cookies".to_owned(),
        }
    }
}

fn asks_for_credential(refusal: &Response) -> bool {
    let text = refusal.text().to_ascii_lowercase();
    refusal.headers.contains_key("www-authenticate") || ASKS.iter().any(|word| text.contains(word))
}

/// A token that says of itself that it is false.
fn false_token() -> String {
    format!("ratewarden-false-{:016x}", fastrand::u64(..))
}

fn with_query_value(path_and_query: &str, name: &str, value: &str) -> String {
    let Some((path, query)) = path_and_query.split_once('?') else { return path_and_query.to_owned() };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((own, _)) if own == name => format!("{own}={value}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}
