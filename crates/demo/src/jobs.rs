//! The Jobs API of a Ray head (2.60): everybody sees every job, in one list without pages, and anybody may submit.
//!
//! The answers have the shape of the real ones, about half a kilobyte a job; nothing that is submitted is run. The list
//! keeps the newest [`MAX_JOBS`] jobs, for a demo must not fill the machine it runs on.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::{self, Answer};

/// The most jobs that are kept; beyond it the oldest is forgotten.
pub const MAX_JOBS: usize = 5_000;

/// The longest text of a submitted field that is kept.
const MAX_FIELD_BYTES: usize = 512;

/// What a submission may contain; another name is a 400, as on a real head.
const FIELDS: [&str; 9] = [
    "entrypoint",
    "submission_id",
    "job_id",
    "runtime_env",
    "metadata",
    "entrypoint_num_cpus",
    "entrypoint_num_gpus",
    "entrypoint_memory",
    "entrypoint_resources",
];

/// All jobs, oldest first.
#[derive(Debug)]
pub(crate) struct Jobs {
    jobs: VecDeque<(String, Bytes)>,
    /// The whole list, as long as it has not changed.
    rendered: Option<Bytes>,
    submitted: u64,
}

impl Jobs {
    /// A list with so many jobs in it, at most [`MAX_JOBS`].
    pub(crate) fn seeded(count: usize) -> Self {
        let mut jobs = Self { jobs: VecDeque::new(), rendered: None, submitted: 0 };
        let scripts =
            ["train.py --epochs 20", "etl.py --day yesterday", "score.py --model v7", "tune.py --trials 64"];
        for index in 0..count.min(MAX_JOBS) {
            let status = if index % 9 == 4 { "FAILED" } else { "SUCCEEDED" };
            jobs.add(None, &format!("python {}", scripts[index % scripts.len()]), status);
        }
        jobs
    }

    /// `GET /api/jobs/`: all of them, whatever `?limit=` says.
    pub(crate) fn list(&mut self) -> Answer {
        let rendered = self.rendered.get_or_insert_with(|| {
            let mut list =
                Vec::with_capacity(2 + self.jobs.iter().map(|(_, job)| job.len() + 1).sum::<usize>());
            list.push(b'[');
            for (index, (_, job)) in self.jobs.iter().enumerate() {
                if index > 0 {
                    list.push(b',');
                }
                list.extend_from_slice(job);
            }
            list.push(b']');
            Bytes::from(list)
        });
        answer::json(rendered.clone())
    }

    /// `GET /api/jobs/{id}`.
    pub(crate) fn get(&self, id: &str) -> Answer {
        match self.jobs.iter().find(|(known, _)| known == id) {
            Some((_, job)) => answer::json(job.clone()),
            None => answer::text(StatusCode::NOT_FOUND, format!("Job {id} does not exist")),
        }
    }

    /// `POST /api/jobs/`. The statuses are the real ones, the 500s too.
    pub(crate) fn submit(&mut self, body: &[u8]) -> Answer {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return answer::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                traceback("json.decoder.JSONDecodeError"),
            );
        };
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            let name: String = unknown.chars().take(60).collect();
            let error = format!("TypeError: JobSubmitRequest got an unexpected keyword argument '{name}'");
            return answer::text(StatusCode::BAD_REQUEST, traceback(&error));
        }
        let Some(entrypoint) = fields.get("entrypoint").and_then(Value::as_str) else {
            return answer::text(
                StatusCode::BAD_REQUEST,
                traceback("TypeError: entrypoint must be a string"),
            );
        };
        let wished = submission_id(&fields);
        if wished.is_some_and(|id| self.jobs.iter().any(|(known, _)| known == id)) {
            let error = "ValueError: Job with this submission_id already exists";
            return answer::text(StatusCode::INTERNAL_SERVER_ERROR, traceback(error));
        }
        let id = self.add(wished, entrypoint, "PENDING");
        answer::json(json!({ "job_id": id, "submission_id": id }).to_string())
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    fn add(&mut self, wished: Option<&str>, entrypoint: &str, status: &str) -> String {
        self.submitted += 1;
        let id = wished.map_or_else(|| made_up_id(self.submitted), |id| head(id).to_owned());
        let job = render(&id, head(entrypoint), status, self.submitted);
        if self.jobs.len() >= MAX_JOBS {
            self.jobs.pop_front();
        }
        self.jobs.push_back((id.clone(), job));
        self.rendered = None;
        id
    }
}

/// `GET /api/version`: what a scanner on the internet asks first.
pub(crate) fn version() -> Answer {
    let version = json!({
        "version": "4",
        "ray_version": "2.60.0",
        "ray_commit": "0000000000000000000000000000000000000000",
        "session_name": "session_2026-11-25_07-00-00_000000_1",
    });
    answer::json(version.to_string())
}

/// `GET /api/cluster_status`.
pub(crate) fn cluster_status() -> Answer {
    let status = json!({
        "result": true,
        "msg": "Got cluster status.",
        "data": { "clusterStatus": {
            "loadMetricsReport": {
                "usage": { "CPU": [0.0, 2.0], "memory": [0.0, 4_294_967_296_u64] },
                "resourceDemand": [],
            },
            "autoscalerReport": {
                "activeNodes": { "node_demo": 1 }, "pendingNodes": [], "pendingLaunches": {},
            },
        } },
    });
    answer::json(status.to_string())
}

fn submission_id(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("submission_id").or_else(|| fields.get("job_id")).and_then(Value::as_str)
}

fn render(id: &str, entrypoint: &str, status: &str, number: u64) -> Bytes {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let start = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let ended = status != "PENDING";
    let message = match status {
        "PENDING" => "Job has not started yet. It may be waiting for resources (CPUs, GPUs, memory).",
        "FAILED" => "Job entrypoint command failed with exit code 1.",
        _ => "Job finished successfully.",
    };
    let job = json!({
        "type": "SUBMISSION",
        "job_id": null,
        "submission_id": id,
        "driver_info": null,
        "status": status,
        "entrypoint": entrypoint,
        "message": message,
        "error_type": null,
        "start_time": start,
        "end_time": ended.then_some(start + 1_000),
        "metadata": { "job_submission_id": id },
        "runtime_env": {},
        "driver_agent_http_address": "http://127.0.0.1:52365",
        "driver_node_id": format!("{number:056x}"),
        "driver_exit_code": ended.then_some(u8::from(status == "FAILED")),
    });
    Bytes::from(job.to_string())
}

/// Sixteen letters after the prefix, like the real ones, made from a counter.
fn made_up_id(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("raysubmit_{mixed:016x}")
}

/// The beginning of a text, at most [`MAX_FIELD_BYTES`] of it.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_FIELD_BYTES)]
}

fn traceback(error: &str) -> String {
    format!(
        "Traceback (most recent call last):\n  File \"job_head.py\", line 281, in parse_and_validate_request\n{error}\n"
    )
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    fn bytes_of(answer: &Answer) -> u64 {
        answer.body().size_hint().exact().unwrap()
    }

    #[test]
    fn a_job_costs_the_list_about_half_a_kilobyte() {
        let mut jobs = Jobs::seeded(400);
        let each = bytes_of(&jobs.list()) / 400;
        assert!((400..700).contains(&each), "{each}");
    }

    #[test]
    fn every_submission_makes_the_list_longer() {
        let mut jobs = Jobs::seeded(1);
        let before = bytes_of(&jobs.list());
        assert_eq!(jobs.submit(br#"{"entrypoint":"true"}"#).status(), StatusCode::OK);
        assert!(bytes_of(&jobs.list()) > before + 300);
        assert_eq!(jobs.len(), 2);
    }

    #[test]
    fn wrong_submissions_get_the_status_a_head_gives() {
        let mut jobs = Jobs::seeded(0);
        let cases = [
            ("not json", 500),
            ("{}", 400),
            (r#"{"entrypoint":7}"#, 400),
            (r#"{"entrypoint":"true","color":"red"}"#, 400),
            (r#"{"entrypoint":"true","entrypoint_num_cpus":-1}"#, 200),
            (r#"{"entrypoint":"true","submission_id":"mine"}"#, 200),
            (r#"{"entrypoint":"true","submission_id":"mine"}"#, 500),
        ];
        for (body, status) in cases {
            assert_eq!(jobs.submit(body.as_bytes()).status().as_u16(), status, "{body}");
        }
        assert_eq!(jobs.get("mine").status(), StatusCode::OK);
        assert_eq!(jobs.get("yours").status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn the_list_is_bounded_in_jobs_and_each_job_in_bytes() {
        let mut jobs = Jobs::seeded(usize::MAX);
        let long = json!({ "entrypoint": "é".repeat(100_000) }).to_string();
        assert_eq!(jobs.submit(long.as_bytes()).status(), StatusCode::OK);
        assert_eq!(jobs.len(), MAX_JOBS);
        assert!(jobs.jobs.iter().all(|(_, job)| job.len() < 2_000));
    }
}
