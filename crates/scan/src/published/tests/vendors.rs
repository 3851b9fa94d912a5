//! One answer of each vendor, as its documentation shows it.

use super::{Case, read_lines, shown};

const ANSWERS: &[Case] = &[
    (
        &[
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4999"),
            ("x-ratelimit-reset", "1795608060"),
            ("x-ratelimit-used", "1"),
            ("x-ratelimit-resource", "core"),
        ],
        &["github core 4999/5000 in 60 w -"],
    ),
    (
        &[
            ("RateLimit-Limit", "600"),
            ("RateLimit-Remaining", "599"),
            ("RateLimit-Observed", "1"),
            ("RateLimit-Reset", "1795608060"),
            ("RateLimit-ResetTime", "Wed, 25 Nov 2026 12:01:00 GMT"),
            ("RateLimit-Name", "throttle_authenticated_api"),
        ],
        &["gitlab throttle_authenticated_api 599/600 in 60 w -"],
    ),
    (
        &[
            ("x-rate-limit-limit", "900"),
            ("x-rate-limit-remaining", "899"),
            ("x-rate-limit-reset", "1795608900"),
            ("x-app-limit-24hour-limit", "50"),
            ("x-app-limit-24hour-remaining", "49"),
        ],
        &["twitter - 899/900 in 900 w -", "twitter app-24hour 49/50 in - w 86400"],
    ),
    (
        &[("x-ratelimit-used", "1"), ("x-ratelimit-remaining", "99.0"), ("x-ratelimit-reset", "543")],
        &["reddit - 99/100 in 543 w -"],
    ),
    (
        &[
            ("X-RateLimit-Limit", "100"),
            ("X-RateLimit-Remaining", "98"),
            ("X-RateLimit-Reset", "2026-11-25T12:15:00+00:00"),
        ],
        &["vimeo - 98/100 in 900 w -"],
    ),
    (
        &[
            ("X-RateLimit-Limit", "30"),
            ("X-RateLimit-Remaining", "29"),
            ("X-RateLimit-Next", "2026-11-25T12:00:02Z"),
        ],
        &["akamai - 29/30 in 2 w -"],
    ),
    (
        &[
            ("RateLimit-Limit", "5"),
            ("RateLimit-Remaining", "4"),
            ("RateLimit-Reset", "58"),
            ("X-RateLimit-Limit-Second", "9"),
            ("X-RateLimit-Remaining-Second", "8"),
            ("X-RateLimit-Limit-Minute", "5"),
            ("X-RateLimit-Remaining-Minute", "4"),
        ],
        &["kong minute 4/5 in 58 w 60", "kong second 8/9 in - w 1"],
    ),
    (
        &[
            ("x-ratelimit-limit", "10, 10;w=1, 1000;w=3600"),
            ("x-ratelimit-remaining", "9"),
            ("x-ratelimit-reset", "1"),
        ],
        &["envoy - 9/10 in 1 w 1", "envoy - -/1000 in - w 3600"],
    ),
    (
        &[("x-ratelimit-limit", "1, 1;w=60"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "48")],
        &["envoy - 0/1 in 48 w 60"],
    ),
    (
        &[
            ("server", "envoy"),
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "19"),
            ("x-ratelimit-reset", "0"),
        ],
        &["envoy - 19/20 in 0 w -"],
    ),
    (
        &[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ],
        &["openai requests 59/60 in 1 w -", "openai tokens 149984/150000 in 360 w -"],
    ),
    (
        &[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-25T12:00:01Z"),
            ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ],
        &["anthropic requests 49/50 in 1 w -", "anthropic input-tokens -/40000 in - w -"],
    ),
    (&[("X-Shopify-Shop-Api-Call-Limit", "32/40")], &["shopify - 8/40 in - w -"]),
    (
        &[("x-ms-ratelimit-remaining-subscription-reads", "11999")],
        &["azure subscription-reads 11999/- in - w -"],
    ),
    (
        &[(
            "x-ms-ratelimit-remaining-resource",
            "Microsoft.Compute/HighCostGet3Min;133,Microsoft.Compute/HighCostGet30Min;657",
        )],
        &[
            "azure Microsoft.Compute/HighCostGet30Min 657/- in - w -",
            "azure Microsoft.Compute/HighCostGet3Min 133/- in - w -",
        ],
    ),
    (
        &[
            ("x-ratelimit-limit", "5"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1470173023"),
            ("x-ratelimit-reset-after", "0.25"),
        ],
        &["x-ratelimit - 0/5 in 0.25 w -"],
    ),
    (&[("Retry-After", "2"), ("X-Retry-In", "1.5s")], &["traefik - -/- in 1.5 w -"]),
    (&[("Stripe-Rate-Limited-Reason", "global-rate")], &["stripe global-rate -/- in - w -"]),
    (
        &[("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/x/")],
        &["aws ThrottlingException -/- in - w -"],
    ),
    (&[("x-amzn-errortype", "ResourceNotFoundException")], &[]),
    (&[("x-ratelimit-reset", "30")], &[]),
];

#[test]
fn every_vendor_is_known_by_what_only_it_sends() {
    for (lines, expected) in ANSWERS {
        assert_eq!(shown(&read_lines(lines)), *expected, "{lines:?}");
    }
}
