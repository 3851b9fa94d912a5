//! A name → lines.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::Path;

use super::ahead::Ahead;
use super::encoding::{Decoder, first_bytes};
use super::{Encoding, Line, Lines, SourceError};

/// The name of standard input.
pub const STDIN: &str = "-";

/// Bytes of a source as they are after decompression.
pub struct Input(Inner);

enum Inner {
    Here(Decoder<Box<dyn Read + Send>>),
    Ahead(Ahead),
}

impl Read for Input {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Here(decoder) => decoder.read(space),
            Inner::Ahead(ahead) => ahead.read(space),
        }
    }
}

/// A source that was opened.
pub struct Opened {
    name: String,
    encoding: Encoding,
    lines: Lines<Input>,
}

impl Opened {
    /// As the user named it; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compressed.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Bytes of all lines handed out so far, with their ends, after decompression.
    #[must_use]
    pub const fn consumed(&self) -> u64 {
        self.lines.consumed()
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// [`SourceError::Read`], once, after every line before that place; then `None`.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, SourceError> {
        Ok(self.next_with_end()?.map(|(_, line)| line))
    }

    /// The next line, and where it ended: what [`Self::consumed`] says after it.
    ///
    /// # Errors
    /// As [`Self::next_line`].
    pub fn next_with_end(&mut self) -> Result<Option<(u64, Line<'_>)>, SourceError> {
        let offset = self.lines.consumed();
        self.lines.next_with_end().map_err(|error| SourceError::Read {
            name: self.name.clone(),
            encoding: self.encoding,
            offset,
            error,
        })
    }

    /// Unpacks on a thread of its own from here on, at most a megabyte ahead. Only of use before the first line: what
    /// was read of the source already is lost with the old reader. A plain source is not changed, since
    /// copying from the system is all that a thread could do for it.
    ///
    /// # Errors
    /// [`SourceError::Read`] where the system gives no thread.
    pub fn read_ahead(self) -> Result<Self, SourceError> {
        let Self { name, encoding, lines } = self;
        if encoding == Encoding::Plain {
            return Ok(Self { name, encoding, lines });
        }
        let ahead = Ahead::new(lines.into_reader());
        let cannot = |error| SourceError::Read { name: name.clone(), encoding, offset: 0, error };
        let lines = Lines::new(Input(Inner::Ahead(ahead.map_err(cannot)?)));
        Ok(Self { name, encoding, lines })
    }

    /// What it holds as bytes, for who splits them on another thread.
    #[must_use]
    pub fn into_input(self) -> Input {
        self.lines.into_reader()
    }
}

/// Opens a file or a pipe; `-` is standard input. Opening a pipe waits for somebody who writes to it.
///
/// # Errors
/// Every [`SourceError`] but a later [`SourceError::Read`].
pub fn open(path: &Path) -> Result<Opened, SourceError> {
    let name = path.display().to_string();
    let cannot = |error| SourceError::Open { name: name.clone(), error };
    if path.as_os_str() == STDIN {
        // The descriptor itself: the handle of the standard library would copy everything once more.
        let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?;
        return stream("standard input", Box::new(File::from(stdin)));
    }
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(SourceError::Folder { name });
    }
    stream(&name, Box::new(file))
}

/// Opens any reader under a name.
///
/// # Errors
/// [`SourceError::Compression`], and [`SourceError::Read`] where its first bytes cannot be read.
pub fn stream(name: &str, mut reader: Box<dyn Read + Send>) -> Result<Opened, SourceError> {
    let name = name.to_owned();
    let cannot = |error, encoding| SourceError::Read { name: name.clone(), encoding, offset: 0, error };
    let first = first_bytes(&mut reader).map_err(|error| cannot(error, Encoding::Plain))?;
    let encoding = Encoding::of(&first);
    if let Encoding::Unread(encoding) = encoding {
        return Err(SourceError::Compression { name, encoding });
    }
    let decoder = Decoder::new(encoding, first, reader).map_err(|error| cannot(error, encoding))?;
    Ok(Opened { name, encoding, lines: Lines::new(Input(Inner::Here(decoder))) })
}
