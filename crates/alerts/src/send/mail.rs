//! Mail by SMTP: one message for a delivery, with the delivery id as its `Message-ID`, so that a second one is known.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use ratewarden_model::Redactor;

use super::{Outcome, chain};
use crate::config::{Encryption, Mail};
use crate::item::Batch;
use crate::payload::{self, From};
use crate::roots::Roots;

/// Sends to one server.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// Takes the password out of what the server answers.
    redactor: Redactor,
}

impl Smtp {
    pub(super) fn new(mail: &Mail, roots: &Roots, host: &str) -> Result<Self, String> {
        let mut redactor = Redactor::default();
        let tls = match mail.encryption {
            Encryption::None => Tls::None,
            Encryption::StartTls => Tls::Required(parameters(mail, roots)?),
            Encryption::Tls => Tls::Wrapper(parameters(mail, roots)?),
        };
        let hello: String =
            host.chars().filter(|&c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        let hello = if hello.is_empty() { "localhost".to_owned() } else { hello };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.server.clone())
            .port(mail.port)
            .tls(tls)
            // The worker's own bound is for the whole try.
            .timeout(None)
            .hello_name(ClientId::Domain(hello));
        if let Some((user, password)) = &mail.login {
            redactor.add(password.expose());
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), from: mail.from.clone(), to: mail.to.clone(), redactor })
    }

    pub(super) async fn send(&self, batch: &Batch, from: &From) -> Outcome {
        let message = match self.message(batch, from) {
            Ok(message) => message,
            Err(why) => return Outcome::Refused(why),
        };
        match self.transport.send(message).await {
            Ok(_) => Outcome::Delivered,
            Err(error) => {
                let why = payload::line(&self.redactor.redact(&chain(&error)), 300);
                if error.is_permanent() { Outcome::Refused(why) } else { Outcome::failed(why) }
            }
        }
    }

    fn message(&self, batch: &Batch, from: &From) -> Result<Message, String> {
        let at_ms = batch.items.first().map_or(0, crate::item::Item::at_ms);
        let since = std::time::Duration::from_millis(u64::try_from(at_ms).unwrap_or(0));
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(payload::mail::subject(batch))
            .date(std::time::UNIX_EPOCH + since)
            .message_id(Some(format!("<{}@{}>", batch.name(), self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(payload::mail::text(batch, from)).map_err(|error| chain(&error))
    }
}

fn parameters(mail: &Mail, roots: &Roots) -> Result<TlsParameters, String> {
    let store = if roots.mozilla { CertificateStore::WebpkiRoots } else { CertificateStore::None };
    let mut builder = TlsParameters::builder(mail.server.clone()).certificate_store(store);
    for certificate in &roots.certificates {
        let certificate = Certificate::from_der(certificate.to_vec()).map_err(|error| chain(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| chain(&error))
}
