//! Which paths are static files.
//!
//! Static files count for nothing, so who calls an interface by `/api/items.js` would hide all that it does: many servers
//! answer that like `/api/items` (formats by ending, segments that are not looked at). An interface serves pictures and
//! films, but its scripts and styles lie in a folder for such, or have the fingerprint of a build in their name. Others are
//! taken for what was called with an ending appended.

/// What the ending of a path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending<'p> {
    /// Not that it is a file.
    Other,
    /// That it is one which pages load.
    File,
    /// That somebody wants it to look like one. This is the path without it.
    Appended(&'p [u8]),
}

/// Endings of what pages load. Archives, dumps and texts are not among them: who asks for many of those looks around.
const FILES: [&[u8]; 24] = [
    b"png",
    b"jpg",
    b"jpeg",
    b"gif",
    b"svg",
    b"ico",
    b"webp",
    b"avif",
    b"bmp",
    b"woff",
    b"woff2",
    b"ttf",
    b"otf",
    b"eot",
    b"mp4",
    b"webm",
    b"mp3",
    b"ogg",
    b"m4s",
    b"ts",
    b"wasm",
    b"webmanifest",
    // Tiles of a vector map, as png is of any other.
    b"pbf",
    b"mvt",
];
/// Those of scripts and styles.
const CODE: [&[u8]; 4] = [b"css", b"js", b"mjs", b"map"];

/// Folders under which answers are made for who asks.
const ASKED: [&[u8]; 20] = [
    b"api",
    b"rest",
    b"graphql",
    b"rpc",
    b"jsonrpc",
    b"odata",
    b"ajax",
    b"wp-json",
    b"account",
    b"accounts",
    b"my-account",
    b"me",
    b"profile",
    b"orders",
    b"users",
    b"user",
    b"customers",
    b"basket",
    b"cart",
    b"checkout",
];
/// Folders in which an interface keeps scripts and styles of its own.
const KEPT: [&[u8]; 18] = [
    b"assets",
    b"static",
    b"dist",
    b"build",
    b"public",
    b"js",
    b"css",
    b"styles",
    b"scripts",
    b"docs",
    b"doc",
    b"swagger",
    b"swagger-ui",
    b"redoc",
    b"lib",
    b"vendor",
    b"_next",
    b"chunks",
];

/// What the ending of a path says that is read.
pub(super) fn ending(path: &[u8]) -> Ending<'_> {
    let Some(dot) = path.iter().rposition(|&byte| byte == b'.' || byte == b'/') else { return Ending::Other };
    let (stem, ending) = (path.get(..dot).unwrap_or_default(), path.get(dot + 1..).unwrap_or_default());
    let is_one = |known: &[&[u8]]| known.iter().any(|one| one.eq_ignore_ascii_case(ending));
    if path.get(dot) != Some(&b'.') {
        Ending::Other
    } else if is_one(&FILES) {
        Ending::File
    } else if !is_one(&CODE) {
        Ending::Other
    } else if is_asked_for(stem) {
        Ending::Appended(stem)
    } else {
        Ending::File
    }
}

/// Whether a path without its ending is of what answers who asks.
fn is_asked_for(stem: &[u8]) -> bool {
    let Some(slash) = memchr::memrchr(b'/', stem) else { return false };
    let (folders, name) = (stem.get(..slash).unwrap_or_default(), stem.get(slash + 1..).unwrap_or_default());
    let lies_in = |known: &[&[u8]]| {
        folders
            .split(|&byte| byte == b'/')
            .any(|folder| known.iter().any(|one| one.eq_ignore_ascii_case(folder)))
    };
    lies_in(&ASKED) && !lies_in(&KEPT) && !has_fingerprint(name)
}

/// Whether a file's name has what a build puts behind it: `main.3f2a1c9b`, `chunk-X7K2P4QA`.
fn has_fingerprint(name: &[u8]) -> bool {
    let mut parts = name.rsplit(|byte| matches!(byte, b'.' | b'-' | b'_'));
    let last = parts.next().unwrap_or_default();
    parts.next().is_some_and(|before| !before.is_empty())
        && last.len() >= 6
        && last.iter().all(u8::is_ascii_alphanumeric)
        && last.iter().any(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_load_is_a_file() {
        for path in [
            "/a/b.CSS",
            "/app.js",
            "/api/users/7/avatar.png",
            "/vector/12/2163/1352.pbf",
            "/api/docs/swagger-ui.css",
            "/api/static/app.js",
            "/account/main.3f2a1c9b.js",
            "/account/chunk-X7K2P4QA.js",
            "/account.css",
        ] {
            assert_eq!(ending(path.as_bytes()), Ending::File, "{path}");
        }
    }

    #[test]
    fn an_ending_behind_what_is_asked_for_is_taken_off() {
        for (path, stem) in [
            ("/api/items.js", "/api/items"),
            ("/shop/api/items/7001.js", "/shop/api/items/7001"),
            ("/Account/x.css", "/Account/x"),
        ] {
            assert_eq!(ending(path.as_bytes()), Ending::Appended(stem.as_bytes()), "{path}");
        }
    }

    #[test]
    fn other_endings_say_nothing() {
        for path in ["/api/items.json", "/a.css/b", "/backup.tar.gz", "ks.table", "/", ""] {
            assert_eq!(ending(path.as_bytes()), Ending::Other, "{path}");
        }
    }
}
