//! The score: a published, deterministic table. docs/scoring.md says the same in prose.
//!
//! `score = max(0, 100 − Σ deduction)` over all findings; a category's score is the same sum over its own
//! findings. Nothing else goes in, so anybody can compute it again from the JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// The score of one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryScore {
    /// 0 to 100.
    pub score: u32,
}

/// The score of a set of findings, 0 to 100.
#[must_use]
pub fn score<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> u32 {
    let deducted = findings.into_iter().fold(0_u32, |sum, finding| sum.saturating_add(finding.deduction));
    100_u32.saturating_sub(deducted)
}

/// The letter for a score: A from 90, B from 80, C from 70, D from 60, E from 45, else F.
#[must_use]
pub const fn grade(score: u32) -> char {
    match score {
        90.. => 'A',
        80..=89 => 'B',
        70..=79 => 'C',
        60..=69 => 'D',
        45..=59 => 'E',
        _ => 'F',
    }
}

/// The score of each category named, 100 where it has no finding.
#[must_use]
pub fn by_category(findings: &[Finding], categories: &[&str]) -> BTreeMap<String, CategoryScore> {
    let of = |name: &str| score(findings.iter().filter(|finding| finding.category == name));
    categories.iter().map(|&name| (name.to_owned(), CategoryScore { score: of(name) })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;
    use crate::subject::{Subject, SubjectKind};

    #[test]
    fn the_score_is_the_sum_that_the_report_shows() {
        let subject = Subject::named(SubjectKind::File, "f");
        let findings: Vec<_> = [&rules::NO_LIMIT, &rules::NO_LOCKOUT]
            .into_iter()
            .map(|rule| Finding::new(rule, subject.clone(), "f", ""))
            .collect();
        let sum: u32 = findings.iter().map(|finding| finding.deduction).sum();
        assert_eq!(score(&findings), 100 - sum);
        let categories = by_category(&findings, &rules::CATEGORIES);
        assert_eq!(categories["Rate Limiting"].score, 100 - rules::NO_LIMIT.deduction());
        assert_eq!(categories["Bypass Resistance"].score, 100);
    }

    #[test]
    fn more_than_a_hundred_points_lost_is_a_zero() {
        let subject = Subject::named(SubjectKind::File, "f");
        let finding = Finding::new(&rules::NO_LIMIT, subject, "f", "");
        assert_eq!(score(std::iter::repeat_n(&finding, 50)), 0);
        assert_eq!((grade(0), grade(45), grade(100)), ('F', 'E', 'A'));
    }
}
