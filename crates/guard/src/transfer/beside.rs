//! Waiting for a server while the client's body still comes.

use std::pin::Pin;
use std::time::Instant;

use crate::failed::{Broken, Failed};
use crate::net::deadline::{Late, Patience};

/// Ends when the server has all of it.
type Sending<'u> = Pin<Box<dyn Future<Output = Result<(), Broken>> + 'u>>;

/// Sending a client's body, beside whatever else is waited for.
pub(crate) struct Uploading<'u> {
    sending: Option<Sending<'u>>,
    /// The server has the whole call since then.
    sent: Option<Instant>,
}

impl<'u> Uploading<'u> {
    /// A body that `sending` sends.
    pub(crate) fn new(sending: impl Future<Output = Result<(), Broken>> + 'u) -> Self {
        Self { sending: Some(Box::pin(sending)), sent: None }
    }

    /// No body, or one that went out with the head.
    pub(crate) const fn none() -> Self {
        Self { sending: None, sent: None }
    }

    /// Whether the server has all of the body.
    pub(crate) const fn is_done(&self) -> bool {
        self.sending.is_none()
    }

    /// Waits for the server's head. Its time begins when it has the whole call: until then it may well be silent.
    ///
    /// # Errors
    /// When the server or the client's body fails.
    pub(crate) async fn head<T>(
        &mut self,
        head: impl Future<Output = Result<T, Failed>>,
        patience: &Patience,
    ) -> Result<T, Failed> {
        let mut head = std::pin::pin!(head);
        loop {
            let Some(sending) = &mut self.sending else {
                let since = self.sent.unwrap_or_else(|| patience.now());
                return match patience.wait_since(since, head).await {
                    Ok(answered) => answered,
                    Err(Late) => Err(Failed::Late("response")),
                };
            };
            tokio::select! {
                biased;
                answered = &mut head => return answered,
                sent = sending.as_mut() => {
                    (self.sending, self.sent) = (None, Some(patience.now()));
                    // A server that does not read on may still say why.
                    if let Err(broken) = sent && !matches!(broken, Broken::Write) {
                        return Err(Failed::Client(broken));
                    }
                }
            }
        }
    }

    /// Passes the answer on, while the rest of the client's body may still come.
    ///
    /// # Errors
    /// As `answering`; and when the client's body fails, which the server's answer then cannot be whole for.
    pub(crate) async fn answer<T>(
        &mut self,
        answering: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let mut answering = std::pin::pin!(answering);
        while let Some(sending) = &mut self.sending {
            tokio::select! {
                biased;
                answered = &mut answering => return answered,
                sent = sending.as_mut() => {
                    self.sending = None;
                    if let Err(broken) = sent && !matches!(broken, Broken::Write) {
                        return Err(Failed::Midway);
                    }
                }
            }
        }
        answering.await
    }
}
