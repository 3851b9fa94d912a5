//! Headers of `-H` and of the environment: what is wrong with them is said without repeating them.
//!
//! A value given with `-H` stands in the list of processes, which every user of a machine can read. So a pipeline hands
//! its secrets over in [`VARIABLE`] instead; the Action does nothing else.

use std::ffi::OsString;

use ratewarden_model::Secret;

use crate::errors::Failure;

/// One `Name: value` a line.
pub(crate) const VARIABLE: &str = "RATEWARDEN_HEADERS";

/// All headers of a scan: those of `-H`, and those of the environment whose name `-H` does not have.
///
/// # Errors
/// Usage, for a header that cannot be sent.
pub(crate) fn all(flags: &[String], environment: Option<OsString>) -> Result<Vec<(String, Secret)>, Failure> {
    let given = flags.iter().enumerate().map(|(index, text)| header(&format!("{} of -H", index + 1), text));
    let mut headers = given.collect::<Result<Vec<_>, _>>()?;
    let own = headers.len();
    let text = environment.unwrap_or_default().into_string().map_err(|_| {
        Failure::usage(format!("{VARIABLE} is not UTF-8"), "write it as one `Name: value` a line, in UTF-8")
    })?;
    // CRLF, too: secrets are pasted on Windows. A lone CR is no line break, and is refused as a control character.
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, value) = header(&format!("in line {} of {VARIABLE}", index + 1), line)?;
        if !headers[..own].iter().any(|(given, _)| given.eq_ignore_ascii_case(&name)) {
            headers.push((name, value));
        }
    }
    Ok(headers)
}

/// Reads `Name: value`. The value is never repeated, nor is a name that is none: it may be the secret.
fn header(place: &str, text: &str) -> Result<(String, Secret), Failure> {
    let hint = "write it as 'Authorization: Bearer TOKEN', on one line";
    let refuse = |what: &str| Failure::usage(format!("header {place} {what}"), hint);
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(refuse("has a line break or another control character"));
    }
    let (name, value) = text.split_once(':').ok_or_else(|| refuse("has no colon"))?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(refuse("has a name that is none"));
    }
    let framing = ["content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"];
    if framing.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        let hint = "leave it out: it belongs to each request and is set for it";
        return Err(Failure::usage(format!("header {place}, `{name}`, cannot be chosen"), hint));
    }
    Ok((name.to_owned(), Secret::new(value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(headers: &[&str]) -> Vec<String> {
        headers.iter().map(|&text| text.to_owned()).collect()
    }

    fn read(headers: &[&str], environment: &str) -> Vec<String> {
        let all = all(&flags(headers), Some(environment.into())).unwrap();
        all.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()
    }

    #[test]
    fn a_header_is_taken_apart_at_its_first_colon() {
        assert_eq!(read(&["X-Time: 12:30", "X-Empty:"], ""), ["X-Time=12:30", "X-Empty="]);
    }

    #[test]
    fn the_environment_has_one_header_a_line_and_a_flag_of_that_name_wins() {
        let lines = "Authorization: Bearer one\r\n\n  \nx-key: two\nX-Tenant: 7\nX-Tenant: 8\n";
        assert_eq!(
            read(&["X-Key: flag", "X-Key: again"], lines),
            ["X-Key=flag", "X-Key=again", "Authorization=Bearer one", "X-Tenant=7", "X-Tenant=8"]
        );
        assert!(all(&[], None).unwrap().is_empty());
    }

    #[test]
    fn a_header_that_is_refused_is_not_repeated() {
        let broken = ["sekrit", "a b: sekrit", ": sekrit", "a: sekrit\u{1b}", "Content-Length: sekrit"];
        for text in broken {
            let flag = all(&flags(&["X-Good: 1", text]), None).unwrap_err().text();
            assert!(flag.contains("header 2 of -H") && !flag.contains("sekrit"), "{flag}");
            let lines = format!("X-Good: 1\n\n{text}\n");
            let line = all(&[], Some(lines.into())).unwrap_err().text();
            assert!(line.contains("line 3 of RATEWARDEN_HEADERS") && !line.contains("sekrit"), "{line}");
        }
        for text in ["a: sekrit\r\nb: 1", "a: sekrit\rb"] {
            let said = all(&flags(&[text]), None).unwrap_err().text();
            assert!(said.contains("line break") && !said.contains("sekrit"), "{said}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_environment_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let said = all(&[], Some(OsString::from_vec(b"a: sekrit\xff".to_vec()))).unwrap_err().text();
        assert!(said.contains("UTF-8") && !said.contains("sekrit"), "{said}");
    }
}
