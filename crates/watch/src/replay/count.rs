//! Numbers as people read them.

/// `12,345`: a gap would be broken over lines.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 call`, `2 calls`.
pub(crate) fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `0%`, `under 0.1%`, `12.5%`, `100%`: never 0 for some, nor 100 for not all.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".to_owned();
    }
    let thousandths = u128::from(part) * 1_000 / u128::from(whole);
    match thousandths {
        0 => "under 0.1%".to_owned(),
        1_000.. => "100%".to_owned(),
        _ if thousandths % 10 == 0 => format!("{}%", thousandths / 10),
        _ => format!("{}.{}%", thousandths / 10, thousandths % 10),
    }
}

/// `2.5` for 5 of 2.
pub(crate) fn tenths(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 10 / u128::from(whole.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_none_of_some_nor_all_of_not_all() {
        assert_eq!([percent(0, 5), percent(1, 5_000), percent(4_999, 5_000)], ["0%", "under 0.1%", "99.9%"]);
        assert_eq!(
            [percent(1, 8), percent(1, 2), percent(5, 5), percent(0, 0)],
            ["12.5%", "50%", "100%", "0%"]
        );
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!([tenths(5, 2), tenths(1, 0)], ["2.5", "1.0"]);
    }
}
