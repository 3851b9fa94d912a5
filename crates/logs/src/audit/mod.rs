//! Records that are no access logs: a database's audit, and errors that tell of calls.

pub(crate) mod cassandra;
pub(crate) mod cql;
pub(crate) mod nginx_error;
