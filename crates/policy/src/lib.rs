//! `ratewarden.toml`: parse, validate, build.
