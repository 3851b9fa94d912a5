//! Figures in columns: who sent how much, what became of it, and how long it took.

use std::time::Duration;

use clap::builder::styling::Style;
use ratewarden_demo::attack::{Outcome, Tally};

use super::text::{BAD, BOLD, DIM, FAIR, GOOD};

/// Widths of the columns; 97 in all with the margin.
const NAME: usize = 20;
const COUNT: usize = 10;
const SIZE: usize = 11;
const TIME: usize = 12;

/// The honest client, then each attacker.
pub(super) fn attack(outcome: &Outcome) -> String {
    let mut table = row(
        "",
        &["sent", "answered", "rejected", "failed"].map(str::to_owned),
        "read",
        "p99 before",
        "p99 during",
        DIM,
    );
    let honest = if outcome.honest.is_all_answered() { GOOD } else { BAD };
    table.push_str(&line("honest client", &outcome.honest, Some(&outcome.alone), honest));
    for (attacker, tally) in &outcome.attackers {
        table.push_str(&line(attacker.name(), tally, None, Style::new()));
    }
    table
}

fn line(name: &str, tally: &Tally, before: Option<&Tally>, style: Style) -> String {
    let counts = [tally.sent, tally.answered, tally.rejected, tally.failed].map(number);
    let before = before.map_or_else(|| "–".to_owned(), |before| time(before.p99()));
    row(name, &counts, &bytes(tally.bytes), &before, &time(tally.p99()), style)
}

fn row(name: &str, counts: &[String; 4], read: &str, before: &str, during: &str, style: Style) -> String {
    let counts: String = counts.iter().map(|count| format!("{count:>COUNT$}")).collect();
    let rest = format!("{read:>SIZE$}{before:>TIME$}{during:>TIME$}");
    format!("  {style}{name:<NAME$}{counts}{rest}{style:#}\n")
}

/// What the gateway is worth to the honest client.
pub(super) fn difference(with: &Outcome, without: &Outcome) -> String {
    let line = |name: &str, outcome: &Outcome| {
        let factor = slower(outcome);
        let style = match factor {
            Some(factor) if factor <= 2.0 => GOOD,
            Some(factor) if factor <= 4.0 => FAIR,
            _ => BAD,
        };
        let factor = factor.map_or_else(|| "–".to_owned(), |factor| format!("× {factor:.1}"));
        format!(
            "  {name:<NAME$}{DIM}answered{DIM:#} {:>7}   {DIM}p99{DIM:#} {:>8} alone, {:>8} under attack   {style}{factor}{style:#}\n",
            share(&outcome.honest),
            time(outcome.alone.p99()),
            time(outcome.honest.p99()),
        )
    };
    let title = format!("\n  {BOLD}What the honest client notices{BOLD:#}\n\n");
    title + &line("with the gateway", with) + &line("without it", without)
}

/// How many times as slow the slowest hundredth has become.
fn slower(outcome: &Outcome) -> Option<f64> {
    let (alone, attacked) = (outcome.alone.p99()?, outcome.honest.p99()?);
    Some(attacked.as_secs_f64() / alone.as_secs_f64().max(1e-6))
}

#[expect(clippy::cast_precision_loss, reason = "a share to one decimal")]
fn share(tally: &Tally) -> String {
    if tally.is_all_answered() {
        return "100 %".to_owned();
    }
    // Rounded down: 99.96 % are not all.
    let permille = (tally.answered * 1_000 / tally.sent.max(1)) as f64;
    format!("{:.1} %", permille / 10.0)
}

fn time(time: Option<Duration>) -> String {
    let Some(time) = time else { return "–".to_owned() };
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        ..100.0 => format!("{millis:.1} ms"),
        ..10_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1e3),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size to one decimal")]
fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// With spaces between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut spaced = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use ratewarden_demo::attack::Attacker;

    use super::*;

    fn outcome() -> Outcome {
        let attackers = Attacker::ALL.into_iter().map(|attacker| (attacker, Tally::default())).collect();
        Outcome { alone: Tally::default(), honest: Tally::default(), attackers }
    }

    #[test]
    fn tables_fit_into_a_hundred_columns_whatever_the_figures() {
        let mut wide = outcome();
        wide.honest.sent = 1_234_567;
        wide.honest.answered = 1_234_566;
        wide.honest.bytes = u64::MAX / 1_000_000;
        let text = attack(&wide) + &difference(&wide, &outcome());
        let text = anstream::adapter::strip_str(&text).to_string();
        assert!(text.contains("1 234 567") && text.contains("99.9 %"), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        let columns: Vec<_> = text.lines().take(6).map(|line| line.chars().count()).collect();
        assert_eq!(columns, [columns[0]; 6], "{text}");
    }

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1 000", "1 234 567"]);
        assert_eq!(
            [9_999, 10_000, 5_600_000, 1_230_000_000].map(bytes),
            ["9999 B", "10 kB", "5.6 MB", "1.23 GB"]
        );
        let millis = |millis| time(Some(Duration::from_millis(millis)));
        assert_eq!([millis(4), millis(150), millis(12_000), time(None)], ["4.0 ms", "150 ms", "12.0 s", "–"]);
    }
}
