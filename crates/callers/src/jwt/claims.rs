//! What a token says, held against what the policy wants (RFC 7519 section 4.1). Time is an argument.

use serde_json::{Map, Value};

use super::rejected::Rejected;

/// Bytes of a claim that names a caller.
const LONGEST_NAME: usize = 1_024;

/// What claims must be.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The claim that names the caller.
    pub(super) name: String,
    pub(super) plan: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    /// Seconds that clocks may differ by.
    pub(super) skew: u64,
    pub(super) require_exp: bool,
}

/// Claims that were held against what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// What the caller's claim says.
    pub(crate) name: String,
    /// Empty where the token names none.
    pub(crate) issuer: String,
    pub(crate) plan: Option<String>,
    /// Seconds since 1970 after which the token is no longer good, the skew included.
    pub(crate) until: u64,
}

impl Wanted {
    /// Checks claims whose signature is right, at `now` seconds since 1970.
    pub(super) fn check(&self, claims: &Map<String, Value>, now: u64) -> Result<Named, Rejected> {
        let until = match claims.get("exp") {
            None if self.require_exp => return Err(Rejected::NoExpiry),
            None => u64::MAX,
            Some(exp) => match seconds(exp) {
                // Expired at that second already (section 4.1.4), so it is good until the one before.
                Some(exp) => exp.saturating_add(self.skew).saturating_sub(1),
                None => return Err(Rejected::Malformed),
            },
        };
        if now > until {
            return Err(Rejected::Expired);
        }
        if let Some(nbf) = claims.get("nbf") {
            match seconds(nbf) {
                Some(nbf) if nbf > now.saturating_add(self.skew) => return Err(Rejected::Early),
                Some(_) => {}
                None => return Err(Rejected::Malformed),
            }
        }
        let issuer = issuer_in(claims);
        if self.issuer.as_deref().is_some_and(|wanted| issuer != wanted) {
            return Err(Rejected::Issuer);
        }
        if let Some(wanted) = &self.audience
            && !claims.get("aud").is_some_and(|aud| is_among(wanted, aud))
        {
            return Err(Rejected::Audience);
        }
        let Some(name) = self.name_in(claims) else { return Err(Rejected::Nameless) };
        let plan = self.plan.as_ref().and_then(|claim| claims.get(claim)?.as_str()).map(str::to_owned);
        Ok(Named { name, issuer: issuer.to_owned(), plan, until })
    }

    /// The claim that names the caller: a string or a whole number.
    pub(super) fn name_in(&self, claims: &Map<String, Value>) -> Option<String> {
        match claims.get(&self.name)? {
            Value::String(name) if !name.is_empty() && name.len() <= LONGEST_NAME => Some(name.clone()),
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Empty where there is none.
pub(super) fn issuer_in(claims: &Map<String, Value>) -> &str {
    claims.get("iss").and_then(Value::as_str).unwrap_or_default()
}

/// An audience is a string, or a list of them.
fn is_among(wanted: &str, audience: &Value) -> bool {
    match audience {
        Value::String(one) => one == wanted,
        Value::Array(several) => several.iter().any(|one| one.as_str() == Some(wanted)),
        _ => false,
    }
}

/// A NumericDate: seconds since 1970, which may have a fraction. Those before 1970 are long past.
fn seconds(date: &Value) -> Option<u64> {
    let Value::Number(number) = date else { return None };
    if let Some(whole) = number.as_u64() {
        return Some(whole);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates, and a fraction of a second is less than what clocks differ by"
    )]
    number.as_f64().filter(|number| number.is_finite()).map(|number| number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn wanted() -> Wanted {
        Wanted {
            name: "sub".to_owned(),
            plan: Some("plan".to_owned()),
            issuer: Some("https://login.test".to_owned()),
            audience: Some("jobs".to_owned()),
            skew: 60,
            require_exp: true,
        }
    }

    fn claims(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    /// Claims that are right but for those of `other`; `null` takes one away.
    fn check(other: &str) -> Result<Named, Rejected> {
        let mut all = claims(
            r#"{"sub":"ann","iss":"https://login.test","aud":["mail","jobs"],"exp":1000010,"plan":"pro"}"#,
        );
        all.extend(claims(other));
        all.retain(|_, value| !value.is_null());
        wanted().check(&all, NOW)
    }

    #[test]
    fn claims_that_are_right_name_their_caller() {
        let named = check("{}").unwrap();
        assert_eq!((&*named.name, named.plan.as_deref(), named.until), ("ann", Some("pro"), 1_000_069));
        assert_eq!(check(r#"{"sub":7,"aud":"jobs","plan":null}"#).unwrap().name, "7");
        assert_eq!(check(r#"{"plan":["pro"]}"#).unwrap().plan, None);
    }

    #[test]
    fn a_token_is_good_up_to_the_skew_after_its_end_and_before_its_begin() {
        for (exp, expected) in [
            ("999941", Ok(1_000_000)),
            ("999940", Err(Rejected::Expired)),
            ("999940.9", Err(Rejected::Expired)),
            ("1000010.5", Ok(1_000_069)),
            ("-5", Err(Rejected::Expired)),
            ("1e300", Ok(u64::MAX - 1)),
            ("\"1000010\"", Err(Rejected::Malformed)),
            ("null", Err(Rejected::NoExpiry)),
        ] {
            assert_eq!(check(&format!(r#"{{"exp":{exp}}}"#)).map(|named| named.until), expected, "{exp}");
        }
        assert!(check(r#"{"nbf":1000060}"#).is_ok());
        assert_eq!(check(r#"{"nbf":1000061}"#), Err(Rejected::Early));
        assert_eq!(check(r#"{"nbf":"now"}"#), Err(Rejected::Malformed));
    }

    #[test]
    fn whoever_else_a_token_is_from_or_for_it_is_refused() {
        for (other, rejected) in [
            (r#"{"iss":"https://login.test/"}"#, Rejected::Issuer),
            (r#"{"iss":null}"#, Rejected::Issuer),
            (r#"{"iss":["https://login.test"]}"#, Rejected::Issuer),
            (r#"{"aud":"mail"}"#, Rejected::Audience),
            (r#"{"aud":["Jobs","jobs "]}"#, Rejected::Audience),
            (r#"{"aud":{"jobs":1}}"#, Rejected::Audience),
            (r#"{"aud":null}"#, Rejected::Audience),
            (r#"{"sub":""}"#, Rejected::Nameless),
            (r#"{"sub":null}"#, Rejected::Nameless),
            (r#"{"sub":["ann"]}"#, Rejected::Nameless),
            (r#"{"sub":1.5}"#, Rejected::Nameless),
            (&format!(r#"{{"sub":"{}"}}"#, "a".repeat(LONGEST_NAME + 1)), Rejected::Nameless),
        ] {
            assert_eq!(check(other), Err(rejected), "{other}");
        }
    }

    #[test]
    fn what_the_policy_does_not_ask_for_is_not_looked_at() {
        let lax = Wanted { plan: None, issuer: None, audience: None, require_exp: false, ..wanted() };
        let named = lax.check(&claims(r#"{"sub":"ann","aud":7,"plan":"pro"}"#), NOW).unwrap();
        assert_eq!((named.until, named.plan, &*named.issuer), (u64::MAX, None, ""));
    }
}
