//! Text that Markdown shows as it is: no markup, no HTML, no link, no mention that would call somebody.

use crate::text::{code_spans, one_line};

/// A longer text in a table or a sentence is cut: one hostile title must not fill the comment.
const LONGEST: usize = 1_500;
/// A longer block of code is cut.
const LONGEST_BLOCK: usize = 6_000;

/// One line of plain text. Letters, digits and harmless punctuation stay, for readers of the source.
pub(super) fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in cut(&one_line(text), LONGEST).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // GitHub looks for mentions and issues in the finished page, where neither a backslash nor an entity
            // is left to see: only a character between helps.
            '@' | '#' => {
                escaped.push(c);
                escaped.push_str("&#8203;");
            }
            '|' => escaped.push_str("&#124;"),
            '`' => escaped.push_str("&#96;"),
            '\\' | '*' | '_' | '[' | ']' | '!' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    // GitHub makes links of bare addresses.
    escaped.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// One line within HTML tags, where Markdown is not read and a backslash would be seen.
pub(super) fn html(text: &str) -> String {
    let line = cut(&one_line(text), LONGEST).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    line.replace('@', "@&#8203;").replace("://", "&#58;//")
}

/// A sentence of ours, in which backticks mark code.
pub(super) fn prose(text: &str) -> String {
    let line = cut(&one_line(text), LONGEST);
    let mut written = String::with_capacity(line.len());
    for (is_code, part) in code_spans(&line) {
        // The spaces around a part are lost when it is put on one line.
        let (before, after) = (part.starts_with(' ') && !is_code, part.ends_with(' ') && !is_code);
        let inner = if is_code { code(part) } else { inline(part) };
        written.push_str(&format!(
            "{}{inner}{}",
            if before { " " } else { "" },
            if after { " " } else { "" }
        ));
    }
    written
}

/// A span of code, fenced by more backticks than it has in a row.
pub(super) fn code(text: &str) -> String {
    let line = cut(&one_line(text), LONGEST);
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') || line.is_empty() { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// A span of code in a table. There a pipe ends the column even within code, and a backslash before it does not
/// help where the text brings one of its own.
pub(super) fn cell_code(text: &str) -> String {
    if text.contains(['|', '\\']) { format!("<code>{}</code>", inline(text)) } else { code(text) }
}

/// A block of code, fenced by more backticks than it has in a row.
pub(super) fn block(language: &str, text: &str) -> String {
    let text = cut(text.trim_end(), LONGEST_BLOCK);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}{language}\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    format!("{}…", &text[..end])
}
