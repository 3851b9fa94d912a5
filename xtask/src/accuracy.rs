//! `cargo xtask accuracy`: scans real limiters many times and compares what is inferred with what is configured.

/// Which limiters, and how often.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Scans of each configuration
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) runs: u32,
    /// Only the configurations whose name contains this
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Option<String>,
}

/// Runs the scans and prints the table.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::bail!("not built yet ({} runs of {})", args.runs, args.only.as_deref().unwrap_or("everything"))
}
