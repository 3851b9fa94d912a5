//! Writes what is made from the declarations: `cargo run -p ratewarden-policy --example documents`.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::write(docs.join("policy.md"), ratewarden_policy::reference())?;
    fs::write(docs.join("schema/policy-1.schema.json"), format!("{:#}\n", ratewarden_policy::schema()))
}
