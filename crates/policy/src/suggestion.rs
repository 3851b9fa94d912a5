//! "Did you mean": the nearest of a few known words.

/// Words longer than this are not compared: the comparison takes the product of both lengths.
const MAX_COMPARED: usize = 64;

/// How like two words must be, from 0 to 1, to be taken for a slip.
const LIKENESS: f64 = 0.6;

/// The known word that is most like `word`, if one is like it at all. Case, and `_` for `-`, make no difference.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > MAX_COMPARED {
        return None;
    }
    let word = word.trim().to_ascii_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|candidate| {
            (strsim::normalized_damerau_levenshtein(&word, &candidate.to_ascii_lowercase()), candidate)
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(one, _), (two, _)| one.total_cmp(two))
        .map(|(_, candidate)| candidate)
}

/// [`nearest`] as a hint.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(word, known).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Words as a message lists them: `a`, `b` or `c`.
pub(crate) fn one_of<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = ["name", "match", "rate", "proxy-protocol", "per"];

    #[test]
    fn a_slip_has_a_suggestion() {
        assert_eq!(nearest("rte", KEYS), Some("rate"));
        assert_eq!(nearest("Rate", KEYS), Some("rate"));
        assert_eq!(nearest("proxy_protocol", KEYS), Some("proxy-protocol"));
        assert_eq!(nearest("mathc", KEYS), Some("match"));
    }

    #[test]
    fn another_word_has_none() {
        assert_eq!(nearest("colour", KEYS), None);
        assert_eq!(nearest("", KEYS), None);
        assert_eq!(nearest(&"rate".repeat(10_000), KEYS), None);
    }

    #[test]
    fn words_are_listed_as_one_says_them() {
        assert_eq!(one_of(["a"]), "`a`");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
