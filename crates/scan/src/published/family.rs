//! The names of the header families: public, for they stand in reports and in the JSON of a scan.

/// IETF `draft-ietf-httpapi-ratelimit-headers` -08 to -11: `RateLimit-Policy: "p";q=10;w=60`.
pub const IETF_10: &str = "ietf-10";
/// IETF draft -07: `RateLimit: limit=10, remaining=9, reset=60`.
pub const IETF_07: &str = "ietf-07";
/// IETF drafts up to -06: `RateLimit-Limit`, `-Remaining`, `-Reset`.
pub const IETF_06: &str = "ietf-06";
/// GitLab: the names of draft -06, but the reset is an epoch.
pub const GITLAB: &str = "gitlab";
/// Kong: `X-RateLimit-Limit-Minute` and its like, one for each period.
pub const KONG: &str = "kong";
/// GitHub, GitHub Enterprise and Gitea: `x-ratelimit-*` with `-used` and `-resource`.
pub const GITHUB: &str = "github";
/// Reddit: `x-ratelimit-used`, without a limit.
pub const REDDIT: &str = "reddit";
/// Vimeo: `x-ratelimit-*` whose reset is a date.
pub const VIMEO: &str = "vimeo";
/// Akamai: `x-ratelimit-next`, a date.
pub const AKAMAI: &str = "akamai";
/// Envoy and what speaks its dialect (Limitador, Istio): `x-ratelimit-limit: 10, 10;w=60`.
pub const ENVOY: &str = "envoy";
/// OpenAI and what imitates it: `x-ratelimit-limit-requests`, `-tokens`.
pub const OPENAI: &str = "openai";
/// Anthropic: `anthropic-ratelimit-requests-limit`.
pub const ANTHROPIC: &str = "anthropic";
/// Twitter/X, and Okta: `x-rate-limit-limit`.
pub const TWITTER: &str = "twitter";
/// Shopify: `x-shopify-shop-api-call-limit: 32/40`.
pub const SHOPIFY: &str = "shopify";
/// Azure Resource Manager: `x-ms-ratelimit-remaining-…`.
pub const AZURE: &str = "azure";
/// `X-RateLimit-Limit`, `-Remaining`, `-Reset` of nobody in particular: express-rate-limit's legacy headers,
/// Flask-Limiter, Tyk, APISIX, Laravel, Discord.
pub const X_RATELIMIT: &str = "x-ratelimit";
/// Traefik: `X-Retry-In`.
pub const TRAEFIK: &str = "traefik";
/// Stripe: `Stripe-Rate-Limited-Reason`, a reason without numbers.
pub const STRIPE: &str = "stripe";
/// AWS: `x-amzn-errortype: ThrottlingException`, a reason without numbers.
pub const AWS: &str = "aws";
/// Not headers: the text of a rejection's body.
pub const BODY: &str = "body";
