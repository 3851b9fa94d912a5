use proptest::prelude::*;

use super::*;

/// By trying every way, on characters.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|from| slow(rest, &text[from..])),
        Some(('?', rest)) => !text.is_empty() && slow(rest, &text[1..]),
        Some(('\\', rest)) if matches!(rest.first(), Some('*' | '?' | '\\')) => {
            text.first() == rest.first() && slow(&rest[1..], &text[1..])
        }
        Some((one, rest)) => text.first() == Some(one) && slow(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn a_pattern_fits_what_it_fits_by_trying_every_way(
        value in "[aB*?\\\\/ü]{0,8}",
        text in "[aAbB*?\\\\/ü]{0,10}",
        stands in 0..4,
        is_cased: bool,
    ) {
        let (stands, whole) = match stands {
            0 => (Stands::Whole, value.clone()),
            1 => (Stands::Begins, format!("{value}*")),
            2 => (Stands::Ends, format!("*{value}")),
            _ => (Stands::Inside, format!("*{value}*")),
        };
        // A lone backslash in front of the added star would take its meaning away; the modifier's star is always one.
        prop_assume!(!value.ends_with('\\'));
        let fold = |text: &str| if is_cased { text.to_owned() } else { text.to_ascii_lowercase() };
        let chars = |text: &str| fold(text).chars().collect::<Vec<_>>();
        let expected = if text.is_empty() { whole.is_empty() } else { slow(&chars(&whole), &chars(&text)) };
        prop_assert_eq!(Pattern::new(&value, stands, is_cased).fits(fold(&text).as_bytes()), expected);
    }
}

#[test]
fn what_is_not_there_is_only_nothing() {
    for (value, expected) in [("", true), ("-", true), ("*", false), ("?", false), ("a", false)] {
        assert_eq!(Pattern::new(value, Stands::Whole, false).fits(b""), expected, "{value}");
    }
    assert!(!Pattern::new("", Stands::Inside, false).fits(b""));
    assert!(Pattern::new("", Stands::Inside, false).fits(b"x"));
}

#[test]
fn many_stars_are_no_work_without_end() {
    let pattern = Pattern::new(&"*a".repeat(1000), Stands::Whole, false);
    assert!(!pattern.fits("a".repeat(999).as_bytes()));
    assert!(pattern.fits("a".repeat(5000).as_bytes()));
}

#[test]
fn a_star_behind_a_backslash_is_a_star() {
    let fits = |value: &str, text: &[u8]| Pattern::new(value, Stands::Whole, false).fits(text);
    assert!(fits(r"a\*b", b"a*b") && !fits(r"a\*b", b"axb"));
    assert!(fits(r"a\\*", br"a\x") && fits(r"c:\dir", br"c:\dir"));
}
