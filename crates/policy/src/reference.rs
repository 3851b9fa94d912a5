//! The reference page of `ratewarden.toml`, from the same declarations as the reader and the schema.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::condition::VARIABLES;
use crate::file::File;
use crate::form::Kind;
use crate::suggestion::one_of;
use crate::table::{About, AboutKey, Presence, Table, Together, prose};

const NOTE: &str = "<!-- Made from crates/policy/src/file by `cargo run -p ratewarden-policy --example documents`: change it there. -->";

/// Examples of single tables, by the key of the file they show. Each is read by a test, together with what a policy
/// cannot be without.
pub(crate) const EXAMPLES: [(&str, &str); 14] = [
    ("listen", "[listen]\nhttp  = [\"0.0.0.0:8080\", \"[::]:8080\"]\nadmin = \"127.0.0.1:9090\"\n"),
    (
        "trust",
        "[trust]                               # behind a load balancer\nproxies = [\"10.0.0.0/8\"]\nheader  = \"forwarded\"\n",
    ),
    (
        "upstream",
        "[upstream]\nurls   = [\"http://10.0.0.1:8265\", \"http://10.0.0.2:8265\"]\nhealth = { path = \"/healthz\" }\n",
    ),
    (
        "caller",
        "[[caller]]                            # a token, else the address\nfrom = \"jwt:sub\"\njwt  = { public-key = \"issuer.pem\", issuer = \"https://login.example.com\", plan-claim = \"plan\" }\n\n[[caller]]\nfrom = \"address\"\n",
    ),
    ("credentials", "[credentials]\nper-source  = \"10/1m\"\nlockout     = \"5m\"\nlockout-max = \"24h\"\n"),
    (
        "limit",
        "[[limit]]                             # a token bucket per caller\nname  = \"job submissions\"\nmatch = { method = \"POST\", path = \"/api/jobs/\" }\nrate  = \"100/1m\"\nburst = 20\n\n[[limit]]                             # a sliding window per caller and job\nname   = \"logs of a job\"\nmatch  = { method = \"GET\", path = \"/api/jobs/{id}/logs\" }\nper    = [\"caller\", \"path:id\"]\nwindow = \"10/1m\"\n\n[[limit]]                             # rows a month, as calls ask for them\nname  = \"rows a month\"\nquota = { calls = 5_000_000, each = \"month\", zone = \"Europe/Berlin\" }\ncost  = \"query:limit\"\n\n[[limit]]                             # one total that all share\nname       = \"exports under way\"\nwhen       = 'request.path.startsWith(\"/export\") && !(\"dry-run\" in request.query)'\nper        = []\nconcurrent = 10\n",
    ),
    (
        "bound",
        "[[bound]]                             # more GPUs than this are refused\nname  = \"gpus of a job\"\nmatch = { method = \"POST\", path = \"/api/jobs/\" }\nbody  = \"entrypoint_num_gpus\"\nmax   = 8\nover  = \"refuse\"\n\n[[bound]]\nname     = \"answers\"\nresponse = true\nmax      = \"10MiB\"\n",
    ),
    ("penalty", "[[penalty]]\nafter = \"20 rejections/1m\"\nban   = \"5m\"\n"),
    (
        "answer",
        "[answer]\nfields = \"both\"\nstatus = 503\nbody   = { type = \"text/plain\", text = \"Try again in {retry-after} s.\" }\n",
    ),
    ("log", "[log]\naccess = \"access.ndjson\"\n"),
    (
        "watch",
        "[watch]\nstate     = \"/var/lib/ratewarden\"\nnever-ban = [\"10.0.0.0/8\", \"caller:ci\"]\npenalties = { admin = \"http://127.0.0.1:9090\", token-file = \"admin.token\" }\n",
    ),
    (
        "detector",
        "[[detector]]                          # a built-in one: another threshold, and a ban\nname = \"flood\"\nover = \"600/10s\"\nban  = \"10m\"\n\n[[detector]]                          # another one, switched off\nname    = \"crawl\"\nenabled = false\n\n[[detector]]                          # what only you can know\nname  = \"clusters-alive\"\nlevel = { resource = \"cluster\", most = 20 }\n\n[[detector]]\nname  = \"jobs-per-hour\"\nmatch = { is = \"job\" }\nover  = \"200/1h\"\n\n[[detector]]                          # one of your own\nname  = \"exports\"\nmatch = { method = \"GET\", path = \"/api/export/*\", status = [\"4xx\", 200] }\nover  = \"20/1m\"\n\n[[detector]]\nname     = \"addresses-of-a-token\"\nper      = [\"token\"]\ndistinct = { of = \"address\", over = \"50/1h\" }\n",
    ),
    (
        "alert",
        "[[alert]]\nname      = \"on-call\"\nseverity  = \"critical\"\npagerduty = { key-file = \"pagerduty.key\" }\n\n[[alert]]\nname  = \"team\"\nrules = [\"watch.token-*\", \"watch.exports\"]\nmail  = { server = \"smtp.example.com\", from = \"ratewarden@example.com\", to = \"team@example.com\" }\n",
    ),
    ("alerts", "[alerts]\ngroup-wait = \"1m\"\ncool-down  = \"1h\"\n"),
];

/// The reference page, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = format!("{NOTE}\n# ratewarden.toml\n\n{}\n\n", prose(File::ABOUT.doc));
    page.push_str(
        "Mistakes are told all at once, each with its line and column, what was found, what was expected and, where \
         it can be guessed, what was meant. A mistake anywhere means that nothing of the file is used.\n\n\
         A JSON Schema for editors is in [schema/policy-1.schema.json](schema/policy-1.schema.json).\n\n",
    );
    page.push_str("| table | what it says |\n|---|---|\n");
    for key in File::ABOUT.keys {
        line(&mut page, &format!("| [`{}`](#{}) | {} |", title(key), key.name, cell(&prose(key.doc))));
    }
    for key in File::ABOUT.keys {
        let Some(table) = key.table else { continue };
        line(&mut page, &format!("\n## {}\n\n`{}`\n", key.name, title(key)));
        section(&mut page, key, table, key.name);
    }
    conditions(&mut page);
    line(&mut page, &format!("\n## Everything\n\n```toml\n{}```", crate::EXAMPLE));
    page
}

fn title(key: &AboutKey) -> String {
    if key.kind == Kind::List { format!("[[{}]]", key.name) } else { format!("[{}]", key.name) }
}

/// One table: what it is, its keys, and the tables in it.
fn section(page: &mut String, key: &AboutKey, table: &About, path: &str) {
    line(page, &prose(table.doc));
    if let Presence::Required = key.presence {
        line(page, "It cannot be left out.");
    }
    for rule in table.rules {
        line(page, &format!("\n{}", sentence(*rule)));
    }
    page.push_str("\n| key | value | when left out | what it says |\n|---|---|---|---|\n");
    for key in table.keys {
        let absent = match key.presence {
            Presence::Required => "a mistake".to_owned(),
            Presence::Optional => String::new(),
            Presence::Default("{}") => "its defaults".to_owned(),
            Presence::Default(text) => format!("`{text}`"),
        };
        let about = format!("{}{}", prose(key.doc), choices(&(key.schema)()));
        line(
            page,
            &format!(
                "| `{}` | {} | {} | {} |",
                key.name,
                cell(&(key.expected)()),
                cell(&absent),
                cell(&about)
            ),
        );
    }
    if let Some((_, example)) = EXAMPLES.iter().find(|(name, _)| *name == path) {
        line(page, &format!("\n```toml\n{example}```"));
    }
    for key in table.keys {
        if let Some(table) = key.table {
            let path = format!("{path}.{}", key.name);
            line(page, &format!("\n### {path}\n"));
            section(page, key, table, &path);
        }
    }
}

fn sentence(rule: Together) -> String {
    match rule {
        Together::ExactlyOne(names) => format!("Exactly one of {} is there.", one_of(names.iter().copied())),
        Together::AtLeastOne(names) => format!("At least one of {} is there.", one_of(names.iter().copied())),
        Together::AtMostOne(names) => format!("At most one of {} is there.", one_of(names.iter().copied())),
        Together::Needs([one, other]) => format!("`{one}` is only there with `{other}`."),
    }
}

/// What each word of a choice does.
fn choices(schema: &Json) -> String {
    let any = schema.get("anyOf").and_then(Json::as_array);
    let items = schema.get("items");
    let list = any
        .into_iter()
        .flatten()
        .chain(items)
        .chain([schema])
        .find_map(|schema| schema.get("oneOf")?.as_array());
    let mut text = String::new();
    for choice in list.into_iter().flatten() {
        if let (Some(word), Some(about)) =
            (choice.get("const").and_then(Json::as_str), choice.get("description"))
        {
            let _ = write!(text, "<br>`{word}`: {}", about.as_str().unwrap_or_default());
        }
    }
    text
}

fn conditions(page: &mut String) {
    page.push_str(
        "\n## Conditions\n\n`when` of a limit is an expression of CEL, the [Common Expression Language](https://cel.dev), \
         that is true or false. It can call `startsWith`, `endsWith`, `contains`, `matches` (a pattern that is written \
         there), `size`, `int`, `uint`, `double` and `string`, and use `in`, `has`, `all`, `exists` and `? :`. \
         Where it cannot be computed for a call, because it asks for a header that is not there, the limit applies: \
         nobody gets round a limit by leaving something out. `\"x-team\" in request.headers` asks first. It knows\n\n\
         | variable | what it is |\n|---|---|\n",
    );
    for (name, about) in VARIABLES {
        line(page, &format!("| `{name}` | {} |", cell(about)));
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}
