//! docs/scoring.md is a promise to readers, so it is held to the code.

use ratewarden_model::{rules, score};

const PAGE: &str = include_str!("../../../docs/scoring.md");

#[test]
fn every_rule_stands_in_the_table_with_its_points_and_severity() {
    for rule in rules::ALL {
        let row = format!(
            "| [`{}`](rules/{}.md) | {} | {} | {} |",
            rule.id,
            rule.id,
            rule.category,
            rule.severity,
            rule.deduction()
        );
        assert!(PAGE.contains(&row), "docs/scoring.md lacks the row\n{row}");
    }
    let rows = PAGE.lines().filter(|line| line.starts_with("| [`scan.")).count();
    assert_eq!(rows, rules::ALL.len(), "a row of a rule that is no more");
}

#[test]
fn the_borders_of_the_grades_are_those_of_the_code() {
    for (grade, from) in [('A', 90), ('B', 80), ('C', 70), ('D', 60), ('E', 45), ('F', 0)] {
        assert!(PAGE.contains(&format!("| {grade} | {from} |")), "{grade} from {from}");
        assert_eq!(score::grade(from), grade);
        assert!(from == 0 || score::grade(from - 1) != grade);
    }
}
