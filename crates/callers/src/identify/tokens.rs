//! Callers by token, and whose tokens are worth the work.

use std::sync::Arc;

use super::Identifier;
use crate::caller::{Caller, Name};
use crate::failed::{Failed, Why};
use crate::jwt::{LONGEST_TOKEN, Rejected, TokenId, TokenRule, VerifiedTokens};
use crate::kinds::Kind;

/// Which signatures are checked, of tokens that were not verified before.
pub(super) enum Signatures<'s> {
    All,
    /// Those of tokens that claim to be of a caller with an id of which this says so.
    Of(&'s mut dyn FnMut(u128) -> bool),
}

impl Identifier {
    /// Whom a token names, once it is verified.
    pub(super) fn by_token(
        &self,
        rule: &Arc<TokenRule>,
        token: &[u8],
        seen: &mut VerifiedTokens,
        unix_secs: u64,
        signatures: &mut Signatures<'_>,
    ) -> Result<Caller, Failed> {
        let rejected = |why, target: &[u8]| {
            let target = Some(self.kinds.hash(Kind::Token, target));
            Failed { why: Why::Token(why), target }
        };
        if token.is_empty() {
            return Err(Failed::new(Why::Empty));
        }
        if token.len() > LONGEST_TOKEN {
            return Err(rejected(Rejected::Malformed, token));
        }
        seen.trust_only(rule);
        let id = TokenId::of(token);
        if let Some(caller) = seen.get(&id, unix_secs) {
            return Ok(caller);
        }
        if let Signatures::Of(is_worth_it) = signatures {
            let claimed = rule.claimed(token).map(|(name, issuer)| self.token_caller(&issuer, &name));
            if !claimed.is_some_and(is_worth_it) {
                return Err(Failed::new(Why::Token(Rejected::Unchecked)));
            }
        }
        let named = rule.verify(token, unix_secs).map_err(|why| match rule.claimed(token) {
            // Whoever makes up signatures for somebody guesses at that somebody.
            Some((name, _)) => rejected(why, name.as_bytes()),
            None => rejected(why, token),
        })?;
        let known = |plan: String| self.known_plans.iter().find(|known| ***known == *plan).cloned();
        let caller = Caller {
            id: self.token_caller(&named.issuer, &named.name),
            verified: true,
            name: Name::Hashed(Kind::Jwt.word()),
            plan: named.plan.and_then(known).or_else(|| self.default_plan.clone()),
            user: Some(Arc::from(named.name)),
        };
        seen.keep(&id, caller.clone(), named.until);
        Ok(caller)
    }

    /// The id of whom a token names. Two issuers may have a user of the same name.
    fn token_caller(&self, issuer: &str, name: &str) -> u128 {
        self.kinds.hash(Kind::Jwt, format!("{issuer}\0{name}").as_bytes())
    }
}
