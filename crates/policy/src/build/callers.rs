//! Who calls, and what happens to who only pretends.

use super::Builder;
use crate::file::{self, File};
use crate::form::{At, OneOf};
use crate::notes::Place;
use crate::policy::{CallerFrom, CallerSource, Credentials, JwksUrl, Jwt, JwtKey, SecretSource};
use crate::words::{CallerWord, KeySet};

impl Builder<'_> {
    pub(super) fn callers(&mut self, file: &File) -> Option<Vec<CallerSource>> {
        let list = file.callers.get()?;
        let root = Place::Root.key("caller");
        if list.value.0.is_empty() {
            let draft = self.notes.mistake(&list.span, &root, "found no caller");
            draft.hint("leave the key out: calls are then counted per address");
        }
        let mut seen: Vec<&CallerWord> = Vec::new();
        let mut callers = Vec::new();
        for caller in &list.value.0 {
            let place = root.item(caller.index);
            if let Some(from) = caller.value.from.get() {
                if seen.contains(&&from.value) {
                    self.notes.mistake(
                        &from.span,
                        &place.key("from"),
                        "callers are looked for there already",
                    );
                }
                seen.push(&from.value);
                self.only_where_it_helps(file, &caller.value, from, &place);
            }
            callers.extend(self.caller(&caller.value, &place));
        }
        Some(callers)
    }

    /// Notes keys that mean nothing for this way to know a caller.
    fn only_where_it_helps(
        &mut self,
        file: &File,
        caller: &file::Caller,
        from: &At<CallerWord>,
        place: &Place<'_>,
    ) {
        let secret = matches!(
            from.value,
            CallerWord::Header(_) | CallerWord::Bearer | CallerWord::Basic | CallerWord::Cookie(_)
        );
        if let (Some(keys), false) = (caller.keys.get(), secret) {
            let draft =
                self.notes.mistake(&keys.span, &place.key("keys"), "there is no key to look up in it");
            draft.hint("`keys` is for `header:NAME`, `bearer`, `basic` and `cookie:NAME`");
        }
        let token = matches!(from.value, CallerWord::Jwt(_));
        if token && !caller.jwt.is_written() {
            let draft =
                self.notes.mistake(&from.span, &place.key("jwt"), "is missing: how tokens are verified");
            draft.hint("such as `jwt = { jwks = \"jwks.json\" }`");
        }
        if let (Some(jwt), false) = (caller.jwt.get(), token) {
            self.notes.mistake(&jwt.span, &place.key("jwt"), "is only there with `from = \"jwt:CLAIM\"`");
        }
        let asks_for_certificates = match file.tls.value() {
            Some(tls) => tls.client_ca.is_written(),
            None => file.tls.is_written(),
        };
        if from.value == CallerWord::Mtls && !asks_for_certificates {
            let draft =
                self.notes.mistake(&from.span, &place.key("from"), "clients are not asked for certificates");
            draft.hint("add `client-ca` to [tls]");
        }
    }

    fn caller(&mut self, caller: &file::Caller, place: &Place<'_>) -> Option<CallerSource> {
        let jwt = caller.jwt.value().and_then(|jwt| self.jwt(jwt, &place.key("jwt")));
        let from = match caller.from.value()?.clone() {
            CallerWord::Header(name) => CallerFrom::Header(name),
            CallerWord::Bearer => CallerFrom::Bearer,
            CallerWord::Basic => CallerFrom::Basic,
            CallerWord::Cookie(name) => CallerFrom::Cookie(name),
            CallerWord::Jwt(claim) => CallerFrom::Jwt(Box::new(Jwt { claim, ..jwt? })),
            CallerWord::Mtls => CallerFrom::Mtls,
            CallerWord::Address => CallerFrom::Address,
        };
        let keys = caller.keys.value().map(|file| self.path(file));
        Some(CallerSource { from, keys, required: *caller.required.value()? })
    }

    /// How tokens are verified; the claim is the caller's word.
    fn jwt(&mut self, jwt: &file::Jwt, place: &Place<'_>) -> Option<Jwt> {
        let shared = jwt.secret_file.is_written() || jwt.secret_env.is_written();
        for At { value: OneOf(algorithm), span, .. } in
            jwt.algorithms.value().map_or(&[][..], |several| &several.0)
        {
            if algorithm.shared != shared {
                let (kind, other) = if shared {
                    ("a shared secret", "public keys")
                } else {
                    ("public keys", "a shared secret")
                };
                let message =
                    format!("tokens are verified with {kind}, but `{}` takes {other}", algorithm.name);
                let draft = self.notes.mistake(span, &place.key("algorithms"), message);
                draft.hint("accepting both is how a public key is passed off as a secret");
            }
        }
        if let (Some(ca), Some(KeySet::File(_))) = (jwt.jwks_ca.get(), jwt.jwks.value()) {
            let draft = self.notes.mistake(&ca.span, &place.key("jwks-ca"), "nobody is asked for the keys");
            draft.hint("`jwks` is a file; `jwks-ca` is for a URL");
        }
        let algorithms = match jwt.algorithms.known()? {
            None => Vec::new(),
            Some(several) => several.0.iter().map(|at| at.value.0.name.to_owned()).collect(),
        };
        Some(Jwt {
            claim: String::new(),
            key: self.jwt_key(jwt)?,
            algorithms,
            issuer: jwt.issuer.value().map(|text| text.0.clone()),
            audience: jwt.audience.value().map(|text| text.0.clone()),
            skew: jwt.skew.value()?.0,
            require_exp: *jwt.require_exp.value()?,
            plan_claim: jwt.plan_claim.value().map(|text| text.0.clone()),
        })
    }

    fn jwt_key(&self, jwt: &file::Jwt) -> Option<JwtKey> {
        if let Some(file) = jwt.secret_file.value() {
            return Some(JwtKey::Secret(SecretSource::File(self.path(file))));
        }
        if let Some(name) = jwt.secret_env.value() {
            return Some(JwtKey::Secret(SecretSource::Environment(name.0.clone())));
        }
        if let Some(file) = jwt.public_key.value() {
            return Some(JwtKey::PublicKey(self.path(file)));
        }
        match jwt.jwks.value()? {
            KeySet::File(file) => Some(JwtKey::JwksFile(self.path(file))),
            KeySet::Url { url, server, target } => Some(JwtKey::JwksUrl(JwksUrl {
                url: url.clone(),
                server: server.clone(),
                target: target.clone(),
                ca: jwt.jwks_ca.value().map(|file| self.path(file)),
            })),
        }
    }

    pub(super) fn credentials(&mut self, credentials: &file::Credentials) -> Option<Credentials> {
        let root = Place::Root.key("credentials");
        for (name, rate) in [("per-source", &credentials.per_source), ("per-target", &credentials.per_target)]
        {
            if let Some(rate) = rate.get() {
                self.countable(rate, &root.key(name));
            }
        }
        let (first, longest) = (&credentials.lockout, &credentials.lockout_max);
        self.no_longer(("lockout", first), ("lockout-max", longest), &root);
        Some(Credentials {
            per_source: *credentials.per_source.value()?,
            per_target: *credentials.per_target.value()?,
            count_upstream: *credentials.count_upstream.value()?,
            lockout: credentials.lockout.value()?.0,
            lockout_max: credentials.lockout_max.value()?.0,
        })
    }
}
