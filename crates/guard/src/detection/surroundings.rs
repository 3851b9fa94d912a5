//! What a gateway that watches its calls does not do itself. Who runs it joins that in.

use std::error::Error;

use ratewarden_detect::{Geography, News};
use ratewarden_model::Finding;
use ratewarden_policy::{Policy, Watch};

/// What a gateway that watches its calls does not do itself: it opens no files of places and sends nothing to anybody.
///
/// Findings come from the thread of the detectors. Whoever takes long there holds up no call; calls wait, and when
/// there is no room for more they are not watched and counted.
pub trait Surroundings: Send + Sync {
    /// A policy is about to be in force, at the start and at each reload.
    ///
    /// # Errors
    /// When what it asks for cannot be had. The gateway does not start then, or goes on with the policy before.
    fn policy(&self, policy: &Policy) -> Result<(), Box<dyn Error + Send + Sync>> {
        let _ = policy;
        Ok(())
    }

    /// Where addresses are; asked when detectors begin anew.
    ///
    /// # Errors
    /// When a file that the policy names cannot be used.
    fn geography(&self, watch: &Watch) -> Result<Option<Box<dyn Geography>>, Box<dyn Error + Send + Sync>> {
        let _ = watch;
        Ok(None)
    }

    /// Findings that have opened or ended. They are in the log already.
    fn told(&self, news: &[News]) {
        let _ = news;
    }

    /// The gateway ends while these findings are open, with their last figures. Nobody can say whether they go on.
    fn left(&self, open: &[Finding]) {
        let _ = open;
    }
}

/// Nothing: findings are logged and shown at the admin listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nothing;

impl Surroundings for Nothing {}
