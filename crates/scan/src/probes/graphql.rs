//! Is the target a GraphQL endpoint, and does it answer many operations in one HTTP request?
//!
//! `__typename` is the cheapest query there is: every schema has it and it reads no data, so twenty of it cost the
//! target nothing. A `POST` that carries a query is a read, so it is sent without `--writes`; mutations never are.

use http::Method;
use ratewarden_model::{Confidence, Finding, rules};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::curl;
use crate::http::{Request, Response};
use crate::probes::{Courier, Outcome, Stop};

/// Aliases in one query.
const ALIASES: usize = 20;
/// Requests in one array.
const ARRAY: usize = 3;
/// The most requests of this probe: POST, GET, aliases, array.
const AT_MOST: u32 = 4;

/// Tries batching where the endpoint looks like GraphQL: 0 to 4 requests.
pub async fn probe(ctx: &Context) -> Outcome {
    if !looks_like_graphql(ctx) {
        return Outcome::default();
    }
    let mut courier = Courier::new(ctx, AT_MOST);
    let mut outcome = Outcome::default();
    let batch = batch(ctx, &mut courier).await;
    if matches!(batch, Ok(Some(_))) {
        outcome.tested.push(rules::BYPASS_BATCHING.id);
    }
    match batch {
        Ok(Some(seen)) if seen.aliases || seen.array => outcome.findings.push(finding(ctx, &seen)),
        Ok(Some(_)) => outcome
            .notes
            .push(format!("GraphQL refused {ALIASES} aliases in one query and an array of {ARRAY} queries")),
        Ok(None) => {
            outcome.notes.push("the path looks like GraphQL, but did not answer `{__typename}`".to_owned());
        }
        Err(stop) => outcome.notes.push(format!("GraphQL batching was not tried any further: {stop}")),
    }
    outcome.observations = courier.into_observations();
    outcome
}

/// What was answered whole.
struct Seen {
    aliases: bool,
    /// Only asked where queries can be POSTed.
    array: bool,
    request: Request,
}

fn looks_like_graphql(ctx: &Context) -> bool {
    let path = ctx.client.target().path().to_ascii_lowercase();
    let named = path.split('/').any(|segment| segment.contains("graphql") || segment == "gql");
    let operation = ctx.api.as_ref().and_then(|api| api.operation_for("POST", ctx.client.target().path()));
    let described = operation.and_then(|operation| operation.body_example.as_ref()).is_some_and(|body| {
        body.get("query").is_some_and(Value::is_string) && body.get("variables").is_some()
    });
    named || described
}

async fn batch(ctx: &Context, courier: &mut Courier<'_>) -> Result<Option<Seen>, Stop> {
    let post = |body: &Value| Request::get(ctx.client.target().path()).method(Method::POST).json(body);
    let (_, answer) = courier.ask(&post(&json!({ "query": "{__typename}" }))).await?;
    let by_post = has_data(&answer, &["__typename"]);
    if !by_post {
        let get = Request::get(with_query(ctx, "{__typename}"));
        let (_, answer) = courier.ask(&get).await?;
        if !has_data(&answer, &["__typename"]) {
            return Ok(None);
        }
    }
    let names: Vec<String> = (1..=ALIASES).map(|number| format!("a{number}")).collect();
    let query = format!(
        "{{{}}}",
        names.iter().map(|name| format!("{name}:__typename")).collect::<Vec<_>>().join(" ")
    );
    let request =
        if by_post { post(&json!({ "query": query })) } else { Request::get(with_query(ctx, &query)) };
    let (_, answer) = courier.ask(&request).await?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut seen = Seen { aliases: has_data(&answer, &names), array: false, request };
    if by_post {
        let request = post(&Value::Array(vec![json!({ "query": "{__typename}" }); ARRAY]));
        let (_, answer) = courier.ask(&request).await?;
        seen.array = is_whole_array(&answer);
        if seen.array && !seen.aliases {
            seen.request = request;
        }
    }
    Ok(Some(seen))
}

fn with_query(ctx: &Context, query: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("{}?query={encoded}", ctx.client.target().path())
}

/// Whether `data` has a text under each of these names.
fn has_data(response: &Response, names: &[&str]) -> bool {
    response.json().is_some_and(|answer| data_has(&answer, names))
}

fn data_has(answer: &Value, names: &[&str]) -> bool {
    let data = answer.get("data").and_then(Value::as_object);
    let has = |fields: &Map<String, Value>| {
        names.iter().all(|&name| fields.get(name).is_some_and(Value::is_string))
    };
    data.is_some_and(has)
}

fn is_whole_array(response: &Response) -> bool {
    let Some(Value::Array(answers)) = response.json() else { return false };
    answers.len() == ARRAY && answers.iter().all(|answer| data_has(answer, &["__typename"]))
}

fn finding(ctx: &Context, seen: &Seen) -> Finding {
    let aliases = format!("one query with {ALIASES} aliases");
    let array = format!("an array of {ARRAY} queries");
    let what = match (seen.aliases, seen.array) {
        (true, true) => format!("{aliases} and {array} were"),
        (true, false) => format!("{aliases} was"),
        (false, _) => format!("{array} was"),
    };
    let description = format!(
        "In one HTTP request each, {what} answered whole. A limit that counts HTTP requests counts it once. The query was \
         `__typename`, which costs next to nothing: a server that charges by query cost may still refuse an expensive one."
    );
    // A server with cost analysis lets cheap aliases through too; an array bypasses the count of requests whatever it costs.
    let confidence = if seen.array { Confidence::Firm } else { Confidence::Tentative };
    ctx.finding(&rules::BYPASS_BATCHING, description)
        .confidence(confidence)
        .evidence("aliases_sent", ALIASES)
        .evidence("aliases_answered", seen.aliases)
        .evidence("array_sent", ARRAY)
        .evidence("array_answered", seen.array)
        .reproduce(format!("curl -sS {}", curl::arguments(&ctx.client, &seen.request)))
}
