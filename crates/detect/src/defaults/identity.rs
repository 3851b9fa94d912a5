//! What is looked for in how callers show who they are: credentials that are guessed, shared or carried away, and logins.

use ratewarden_model::rules::abuse;

use super::{burst, detector, distinct, dynamic, is};
use crate::spec::{By, Detector, Filter, Kind, RouteKind as Is, Shows, Statuses};

const FAILED_LOGIN: [u16; 5] = [400, 401, 403, 422, 429];
const DENIED: [u16; 2] = [401, 403];

pub(super) fn detectors() -> Vec<Detector> {
    let groups = [credentials(), shared_credentials(), logins(), slow_logins()];
    groups.into_iter().flatten().collect()
}

fn credential() -> Filter {
    Filter { with: vec![Shows::Credential], ..Filter::default() }
}

fn credentials() -> Vec<Detector> {
    let denied = |filter: Filter| Filter { statuses: Statuses::of(&DENIED), ..filter };
    // Of honest crowds each credential that has expired is followed by one that is right, so three of four are not wrong;
    // within a minute, of which little is known, nine of ten.
    let refused = |credentials, percent| Kind::Refused { credentials, percent };
    let shown = || Filter { with: vec![Shows::Credential], ..dynamic() };
    let unauthorised =
        Filter { statuses: Statuses::of(&[401]), without: vec![Shows::Credential, Shows::User], ..dynamic() };
    vec![
        detector(&abuse::TOKEN_GUESSING, "", shown(), &[By::Address], refused(12, 90), 60),
        detector(
            &abuse::TOKEN_GUESSING,
            "credentials refused for longer",
            shown(),
            &[By::Address],
            refused(60, 75),
            600,
        ),
        detector(
            &abuse::TOKEN_GUESSING,
            "refused again and again at one place",
            unauthorised,
            &[By::Address, By::Template],
            burst(6),
            10,
        ),
        detector(
            &abuse::TOKEN_GUESSING_DISTRIBUTED,
            "",
            denied(Filter { kinds: vec![Is::Login, Is::Token], ..dynamic() }),
            &[By::Route],
            distinct(By::Address, 50),
            300,
        ),
        detector(
            &abuse::TOKEN_GUESSING_DISTRIBUTED,
            "many credentials refused at one place",
            shown(),
            &[By::Route],
            refused(50, 75),
            600,
        ),
        detector(
            &abuse::TOKEN_GUESSING_DISTRIBUTED,
            "one account from many addresses",
            denied(Filter { with: vec![Shows::User], ..dynamic() }),
            &[By::User],
            distinct(By::Address, 20),
            600,
        ),
    ]
}

/// Credentials that several have.
fn shared_credentials() -> Vec<Detector> {
    // What many networks call with is a program of its owner's where it is one program, whatever cloud it runs in.
    let networks = |of, values| Kind::Both { of, values, and: By::Agent, others: 8 };
    vec![
        detector(&abuse::TOKEN_SPREAD, "", credential(), &[By::Token], distinct(By::Country, 50), 3600),
        detector(&abuse::TOKEN_NETWORKS, "", credential(), &[By::Token], networks(By::Prefix, 26), 600),
        detector(
            &abuse::TOKEN_NETWORKS,
            "large networks of one credential",
            credential(),
            &[By::Token],
            networks(By::WideNetwork, 30),
            3600,
        ),
        detector(
            &abuse::IMPOSSIBLE_TRAVEL,
            "",
            credential(),
            &[By::Token],
            Kind::Travel { kmh: 1000, km: 500 },
            86_400,
        ),
        detector(
            &abuse::IMPOSSIBLE_TRAVEL,
            "impossible travel of a user",
            Filter { with: vec![Shows::User], without: vec![Shows::Credential], ..Filter::default() },
            &[By::User],
            Kind::Travel { kmh: 1000, km: 500 },
            86_400,
        ),
    ]
}

/// Logins, and such as were answered like one that failed.
struct Logins {
    all: Filter,
    failed: Filter,
    /// A page elsewhere, or nothing, is what a login that went well is answered with; 200 may be the form again.
    unanswered: Filter,
}

impl Logins {
    fn new() -> Self {
        let with = |statuses: Statuses| Filter { statuses, ..is(&[Is::Login]) };
        Self {
            all: is(&[Is::Login]),
            failed: with(Statuses::of(&FAILED_LOGIN)),
            unanswered: with(Statuses::ranges(vec![(0, 203), (205, 299), (400, u16::MAX)])),
        }
    }
}

fn logins() -> Vec<Detector> {
    let login = Logins::new();
    let failed = |filter: Filter| Filter { statuses: Statuses::of(&FAILED_LOGIN), ..filter };
    vec![
        detector(
            &abuse::LOGIN_BRUTE_FORCE,
            "",
            login.unanswered.clone(),
            &[By::Address, By::Agent],
            burst(6),
            10,
        ),
        detector(
            &abuse::LOGIN_BRUTE_FORCE,
            "logins in a row, failed or not",
            login.all,
            &[By::Address],
            burst(60),
            60,
        ),
        detector(
            &abuse::LOGIN_BRUTE_FORCE,
            "failed logins of a source",
            failed(is(&[Is::Login, Is::Token])),
            &[By::Address],
            burst(10),
            30,
        ),
        detector(
            &abuse::ACCOUNT_SPREAD,
            "",
            failed(Filter { with: vec![Shows::User], ..dynamic() }),
            &[By::Address, By::Agent],
            distinct(By::User, 10),
            300,
        ),
        // Of a large office a dozen mistype in five minutes of the morning, each with a browser of his own.
        detector(
            &abuse::ACCOUNT_SPREAD,
            "accounts tried with any agent",
            failed(Filter { with: vec![Shows::User], ..dynamic() }),
            &[By::Address],
            distinct(By::User, 25),
            300,
        ),
        detector(
            &abuse::LOGIN_BRUTE_FORCE,
            "one user refused again and again",
            Filter { statuses: Statuses::of(&[401]), with: vec![Shows::User], ..dynamic() },
            &[By::Address, By::Template],
            burst(6),
            10,
        ),
        detector(
            &abuse::ACCOUNT_SPREAD,
            "accounts that are asked for",
            Filter {
                kinds: vec![Is::Login],
                statuses: Statuses::of(&[404]),
                with: vec![Shows::User],
                ..dynamic()
            },
            &[By::Address],
            distinct(By::User, 10),
            300,
        ),
    ]
}

/// Logins over an hour.
fn slow_logins() -> Vec<Detector> {
    let login = Logins::new();
    vec![
        detector(
            &abuse::LOW_AND_SLOW,
            "",
            login.unanswered.clone(),
            &[By::Address],
            Kind::Rate { calls: 120, filled: 5 },
            3600,
        ),
        detector(
            &abuse::LOW_AND_SLOW_NETWORK,
            "",
            login.failed.clone(),
            &[By::Prefix],
            Kind::Crowd { calls: 100, filled: 5, of: By::Address, values: 4 },
            3600,
        ),
        detector(
            &abuse::LOW_AND_SLOW_NETWORK,
            "low and slow from many, with any agent",
            login.unanswered.clone(),
            &[By::Prefix],
            Kind::Crowd { calls: 600, filled: 5, of: By::Address, values: 8 },
            3600,
        ),
        detector(
            &abuse::LOW_AND_SLOW_NETWORK,
            "low and slow with one agent",
            login.unanswered.clone(),
            &[By::Prefix, By::Agent],
            Kind::Crowd { calls: 120, filled: 5, of: By::Address, values: 4 },
            3600,
        ),
    ]
}
