//! How rejected calls are answered.

use super::Builder;
use crate::file;
use crate::file::Ready;
use crate::form::{Either, OneOf};
use crate::policy::{AccessLog, Answer, AnswerBody};
use crate::words::AccessLogWord;

pub(super) fn answer(answer: &file::Answer) -> Option<Answer> {
    let body = match answer.body.value()? {
        Either::First(OneOf(Ready::Problem)) => AnswerBody::Problem,
        Either::First(OneOf(Ready::None)) => AnswerBody::None,
        Either::Second(wording) => AnswerBody::Text {
            media_type: wording.media_type.value()?.0.clone(),
            text: wording.text.value()?.0.clone(),
        },
    };
    Some(Answer {
        fields: answer.fields.value()?.0,
        on_success: *answer.on_success.value()?,
        status: u16::try_from(answer.status.value()?.0).ok()?,
        body,
    })
}

impl Builder<'_> {
    pub(super) fn access_log(&self, log: &file::Log) -> Option<AccessLog> {
        Some(match log.access.value()? {
            AccessLogWord::Off => AccessLog::Off,
            AccessLogWord::Stdout => AccessLog::Stdout,
            AccessLogWord::File(file) => AccessLog::File(self.path(file)),
        })
    }
}
