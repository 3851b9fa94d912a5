//! Writes every sample report in every format into a folder, to look at:
//! `cargo run -p ratewarden-report --features sample --example samples -- FOLDER`

use std::fs;
use std::path::PathBuf;

use ratewarden_report::{Format, Options, render, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder to write into")?);
    fs::create_dir_all(&folder)?;
    for (name, report) in sample::all() {
        for (format, ending) in [
            (Format::Pretty, "txt"),
            (Format::Json, "json"),
            (Format::Sarif, "sarif"),
            (Format::Junit, "xml"),
            (Format::Markdown, "md"),
            (Format::Html, "html"),
        ] {
            let options = Options { anchor: Some("openapi.yaml".into()), ..Options::default() };
            fs::write(folder.join(format!("{name}.{ending}")), render(&report, format, &options)?)?;
        }
        let options = Options { colour: true, width: 80, anchor: None };
        fs::write(folder.join(format!("{name}.ansi")), render(&report, Format::Pretty, &options)?)?;
    }
    Ok(())
}
