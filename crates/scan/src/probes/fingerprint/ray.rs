//! Is it a Ray head, and does its Jobs API answer to anybody?
//!
//! At most two reads: the version, and the job list. Nothing is submitted to prove the point; whoever may list may
//! submit (reference: CVE-2023-48022), and a proof by execution would be the attack itself.

use ratewarden_model::{Confidence, Finding, Subject, rules};
use serde_json::Value;

use super::{bodies, recognise};
use crate::context::Context;
use crate::curl;
use crate::http::{Request, Response};
use crate::probes::credentials::carries_credentials;
use crate::probes::{Courier, Outcome, Stop};
use crate::remedy;

/// Asks for Ray's version, and for its jobs where it is Ray and the user sent no credentials: 0 to 2 requests.
pub async fn ray(ctx: &Context) -> Outcome {
    let mut courier = Courier::new(ctx, 2);
    let mut outcome = Outcome::default();
    if let Err(stop) = look(ctx, &mut courier, &mut outcome).await {
        outcome.notes.push(format!("whether a Ray dashboard stands open was not tried any further: {stop}"));
    }
    outcome.observations = courier.into_observations();
    outcome
}

async fn look(ctx: &Context, courier: &mut Courier<'_>, outcome: &mut Outcome) -> Result<(), Stop> {
    // A head that is mounted below a path (`/ray/api/jobs/`) has its other routes there too.
    let path = ctx.client.target().path();
    let mount = path.find("/api/").map_or("", |at| &path[..at]);
    let (_, answer) = courier.ask(&Request::get(format!("{mount}/api/version"))).await?;
    let version_path = format!("{mount}/api/version");
    let technologies = recognise(&[&answer], &version_path);
    let Some(ray) = technologies.iter().find(|found| found.name == "Ray dashboard") else {
        outcome.tested.push(rules::OPEN_CONTROL_PLANE.id);
        return Ok(());
    };
    let version = ray.version.clone();
    outcome.technologies = technologies;
    if carries_credentials(ctx) {
        let note = "a Ray dashboard was recognised; whether it answers without credentials was not tried, for yours were sent";
        outcome.notes.push(note.to_owned());
        return Ok(());
    }
    let jobs_path = format!("{mount}/api/jobs/");
    let request = Request::get(jobs_path.clone());
    let listed = if path == jobs_path { ctx.baseline.clone() } else { courier.ask(&request).await?.1 };
    outcome.tested.push(rules::OPEN_CONTROL_PLANE.id);
    match jobs(&listed) {
        Some(jobs) => outcome.findings.push(finding(ctx, &request, version, jobs)),
        None => outcome.notes.push(format!(
            "a Ray dashboard was recognised; its job list answered {} without credentials",
            listed.status.as_u16()
        )),
    }
    Ok(())
}

/// The number of jobs where the answer is a job list (an empty list is one too); a list that was kept only in part
/// is counted as far as it was kept.
fn jobs(response: &Response) -> Option<u64> {
    if response.status != http::StatusCode::OK {
        return None;
    }
    match response.json() {
        Some(list) if bodies::is_ray_job_list(&list) || list == Value::Array(Vec::new()) => {
            list.as_array().map(|jobs| jobs.len() as u64)
        }
        Some(_) => None,
        None => {
            let text = response.text();
            let count = text.matches("\"submission_id\"").count() as u64;
            (text.starts_with('[') && count > 0).then_some(count)
        }
    }
}

fn finding(ctx: &Context, request: &Request, version: Option<String>, jobs: u64) -> Finding {
    let path = &request.path_and_query;
    let url = format!("{}{path}", ctx.client.target().origin());
    let subject = Subject::Endpoint { method: "GET".to_owned(), url };
    let shown = version.as_deref().unwrap_or("of unknown version");
    let description = format!(
        "A Ray dashboard ({shown}) listed {jobs} jobs to a request without credentials. Whoever can list jobs can submit \
         them, and a job is a shell command on the cluster; nothing was submitted to find this out."
    );
    let mut finding = Finding::new(&rules::OPEN_CONTROL_PLANE, subject, &format!("GET {path}"), description)
        .confidence(Confidence::Certain)
        .evidence("ray_version", version)
        .evidence("jobs_listed", jobs)
        .evidence("status", 200)
        .reproduce(format!("curl -sS {}", curl::arguments(&ctx.client, request)));
    finding.remediation.snippets = remedy::ray_snippets();
    finding
}
