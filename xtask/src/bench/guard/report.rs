//! What came out of a case: the figures of each program, and whether the goal is met.

use serde::Serialize;

use super::cases::Case;
use super::measure::Sample;
use super::peers::Peer;
use crate::bench::figures::{Spread, thousands};
use crate::bench::table::Table;

/// The whole document of `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(crate) schema: &'static str,
    /// What `ratewarden --version` said; `null` when it took no part.
    pub(crate) version: Option<String>,
    pub(crate) cores: usize,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    pub(crate) rounds: u32,
    pub(crate) cases: Vec<CaseReport>,
}

/// One case.
#[derive(Debug, Serialize)]
pub(crate) struct CaseReport {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) callers: u32,
    pub(crate) limits: u8,
    /// At most this multiple of nginx.
    pub(crate) goal: Option<f64>,
    /// Whether Ratewarden met it; `null` without a goal, without Ratewarden, and when the case was refused.
    pub(crate) met: Option<bool>,
    /// Why the case says nothing; its programs are then what came before.
    pub(crate) refused: Option<String>,
    pub(crate) programs: Vec<ProgramReport>,
}

/// One program of a case.
#[derive(Debug, Serialize)]
pub(crate) struct ProgramReport {
    pub(crate) program: Peer,
    pub(crate) cpu_micros: Spread,
    /// CPU time as a multiple of nginx in the same round.
    pub(crate) ratio: Spread,
    pub(crate) requests_per_second: Spread,
    pub(crate) p50_micros: Spread,
    pub(crate) p99_micros: Spread,
    pub(crate) resident_bytes: Spread,
    pub(crate) rounds: Vec<Sample>,
}

/// The samples of one program, in the order of the rounds.
pub(crate) type Samples = (Peer, Vec<Sample>);

impl CaseReport {
    /// Sums up a case. The first program is the one that the others are compared with.
    pub(crate) fn new(case: &Case, samples: &[Samples], refused: Option<String>) -> Self {
        let base = samples.first().map(|(_, samples)| samples.as_slice()).unwrap_or_default();
        let programs: Vec<ProgramReport> = samples
            .iter()
            .filter_map(|(program, samples)| ProgramReport::new(*program, samples, base))
            .collect();
        let ours = programs.iter().find(|report| report.program == Peer::Ratewarden);
        let met = match (case.goal, ours, &refused) {
            (Some(goal), Some(ours), None) => Some(ours.ratio.median <= goal),
            _ => None,
        };
        Self {
            name: case.name,
            title: case.title,
            callers: case.keys(),
            limits: case.gate.limits,
            goal: case.goal,
            met,
            refused,
            programs,
        }
    }

    /// As text.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{}: {}\n", self.name, self.title);
        let mut table = Table::new(&[
            "program",
            "CPU µs/request",
            "× nginx",
            "goal",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "RSS MiB",
        ]);
        for program in &self.programs {
            table.line(program.cells(self.goal, self.met));
        }
        text.push_str(&table.shown());
        if let Some(why) = &self.refused {
            text.push_str(&format!("refused: {why}\n"));
        }
        text
    }
}

impl ProgramReport {
    fn new(program: Peer, samples: &[Sample], base: &[Sample]) -> Option<Self> {
        let spread = |of: &dyn Fn(&Sample) -> f64| Spread::of(samples.iter().map(of));
        let ratios = samples.iter().zip(base).map(|(sample, base)| sample.cpu_micros / base.cpu_micros);
        Some(Self {
            program,
            cpu_micros: spread(&|sample| sample.cpu_micros)?,
            ratio: Spread::of(ratios)?,
            requests_per_second: spread(&|sample| sample.requests_per_second)?,
            p50_micros: spread(&|sample| float(sample.p50_micros))?,
            p99_micros: spread(&|sample| float(sample.p99_micros))?,
            resident_bytes: spread(&|sample| float(sample.resident_bytes))?,
            rounds: samples.to_vec(),
        })
    }

    fn cells(&self, goal: Option<f64>, met: Option<bool>) -> Vec<String> {
        let goal = match (goal, met) {
            (Some(goal), Some(met)) if self.program == Peer::Ratewarden => {
                format!("≤ {goal:.2} {}", if met { "met" } else { "not met" })
            }
            _ => String::new(),
        };
        let millis = |micros: &Spread| format!("{:.2}", micros.median / 1e3);
        vec![
            format!("{} ({})", self.program.name(), self.program.limiter()),
            self.cpu_micros.shown(2),
            self.ratio.shown(2),
            goal,
            thousands(self.requests_per_second.median),
            millis(&self.p50_micros),
            millis(&self.p99_micros),
            format!("{:.1}", self.resident_bytes.median / f64::from(1 << 20)),
        ]
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds and bytes of one run stay below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::super::cases;
    use super::*;

    fn sample(cpu_micros: f64) -> Sample {
        Sample {
            cpu_micros,
            requests_per_second: 61_204.0,
            p50_micros: 980,
            p99_micros: 2_100,
            resident_bytes: 12 << 20,
            requests: 300_000,
            refused: 0,
            warm_up_statuses: [(200, 60_000)].into(),
        }
    }

    fn report(ours: [f64; 3], refused: Option<&str>) -> CaseReport {
        let passing = cases::all().remove(0);
        let samples = [
            (Peer::Nginx, [8.0, 10.0, 12.0].map(sample).to_vec()),
            (Peer::Ratewarden, ours.map(sample).to_vec()),
        ];
        CaseReport::new(&passing, &samples, refused.map(str::to_owned))
    }

    #[test]
    fn the_ratio_is_taken_within_each_round() {
        // The medians are 9.0 and 10.0, but round by round it was 1.1, 0.9 and 0.5.
        let report = report([8.8, 9.0, 6.0], None);
        let ratio = report.programs[1].ratio;
        assert!((ratio.median - 0.9).abs() < 1e-9 && (ratio.max - 1.1).abs() < 1e-9, "{ratio:?}");
        assert_eq!(report.met, Some(true));
    }

    #[test]
    fn the_goal_stands_beside_our_figure_only() {
        let text = report([9.6, 12.0, 14.4], None).shown();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[3].starts_with("Ratewarden (per caller)") && lines[3].contains("≤ 1.00 not met"),
            "{text}"
        );
        assert!(!lines[2].contains('≤') && lines[2].contains("61 204"), "{text}");
    }

    #[test]
    fn a_refused_case_says_why_and_meets_nothing() {
        let report = report([1.0, 1.0, 1.0], Some("Ratewarden, round 2: no call was answered"));
        assert_eq!(report.met, None);
        assert!(report.shown().ends_with("refused: Ratewarden, round 2: no call was answered\n"));
    }
}
