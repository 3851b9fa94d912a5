//! Why a source cannot be read, or not to its end.

use std::io;

use super::Encoding;

/// Why a source cannot be read, or not to its end. Display names the source; [`Self::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened: it is not there, or may not be read.
    #[error("{name} could not be opened: {}", reason(.error))]
    Open {
        /// As the user named it.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// It is a folder.
    #[error("{name} is a folder")]
    Folder {
        /// As the user named it.
        name: String,
    },
    /// It is compressed in a way that is not read.
    #[error("{name} is compressed with {encoding}, which is not read")]
    Compression {
        /// As the user named it.
        name: String,
        /// With what.
        encoding: &'static str,
    },
    /// Reading stopped before its end. The lines before that were handed out.
    #[error("{name} could not be read beyond byte {offset}{}: {}", unpacked(*.encoding), reason(.error))]
    Read {
        /// As the user named it.
        name: String,
        /// How it is compressed.
        encoding: Encoding,
        /// Bytes of the lines before that, as they are after decompression.
        offset: u64,
        /// Why.
        error: io::Error,
    },
}

impl SourceError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Open { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                Some("see whether the name is right; `-` reads standard input".to_owned())
            }
            Self::Open { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => Some(
                "logs often belong to a group, such as `adm`; run as somebody who may read them".to_owned(),
            ),
            Self::Folder { name } => {
                Some(format!("name its files, such as `{}/*.log*`", name.trim_end_matches('/')))
            }
            Self::Compression { name, encoding } => {
                Some(format!("unpack it on the way: `{} {name} | ratewarden watch -`", unpacker(encoding)))
            }
            Self::Read { encoding: Encoding::Gzip | Encoding::Zstd, .. } => {
                Some("it may be cut off, or still be written; the lines before that were read".to_owned())
            }
            Self::Open { .. } | Self::Read { .. } => None,
        }
    }

    /// What it is about, as the user named it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Open { name, .. }
            | Self::Folder { name }
            | Self::Compression { name, .. }
            | Self::Read { name, .. } => name,
        }
    }
}

/// The reason without the number that the standard library adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn unpacked(encoding: Encoding) -> &'static str {
    if encoding == Encoding::Plain { "" } else { " of what it unpacks to" }
}

fn unpacker(encoding: &str) -> &'static str {
    match encoding {
        "bzip2" => "bzip2 -dc",
        "xz" => "xz -dc",
        "lz4" => "lz4 -dc",
        "compress" => "gzip -dc",
        _ => "unzip -p",
    }
}
