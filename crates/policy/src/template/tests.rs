//! Templates and the paths they take.

use proptest::prelude::*;

use super::*;

fn template(text: &str) -> PathTemplate {
    text.parse().unwrap()
}

#[test]
fn a_hole_is_one_segment_that_is_not_empty() {
    let jobs = template("/api/jobs/{id}/logs");
    assert!(jobs.matches("/api/jobs/raysubmit_1/logs"));
    for path in
        ["/api/jobs//logs", "/api/jobs/a/b/logs", "/api/jobs/a/logs/", "/api/jobs/a", "api/jobs/a/logs", ""]
    {
        assert!(!jobs.matches(path), "{path}");
    }
    assert_eq!(jobs.param("/api/jobs/a%2Fb/logs", "id"), Some("a%2Fb"));
    assert_eq!(jobs.param("/api/jobs/a/logs", "name"), None);
    assert_eq!(jobs.param("/api/jobs/a", "id"), None);
}

#[test]
fn a_slash_at_the_end_counts() {
    assert!(template("/api/jobs/").matches("/api/jobs/"));
    assert!(!template("/api/jobs/").matches("/api/jobs"));
    assert!(!template("/api/jobs").matches("/api/jobs/"));
    assert!(template("/").matches("/") && !template("/").matches("/a"));
    assert!(!template("/items/{id}").matches("/items/"));
}

#[test]
fn the_rest_may_be_nothing_but_the_folder_is_needed() {
    let files = template("/files/{*rest}");
    assert_eq!(files.param("/files/a/b", "rest"), Some("a/b"));
    assert_eq!(files.param("/files/", "rest"), Some(""));
    assert!(!files.matches("/files"));
    let all = template("/{*all}");
    assert!(all.matches("/") && all.matches("/a/b/"));
    let mixed = template("/{org}/x/{*rest}");
    assert_eq!(mixed.param("/acme/x/y/z", "org"), Some("acme"));
    assert_eq!(mixed.param("/acme/x/y/z", "rest"), Some("y/z"));
}

#[test]
fn parameters_come_in_order() {
    assert_eq!(template("/{b}/{a}/{*c}").parameters().collect::<Vec<_>>(), ["b", "a", "c"]);
    assert_eq!(template("/plain").parameters().count(), 0);
}

#[test]
fn what_no_path_can_have_is_refused() {
    let wrong = |text: &str| text.parse::<PathTemplate>().unwrap_err();
    assert_eq!(wrong("jobs"), InvalidTemplate::Relative);
    assert_eq!(wrong(""), InvalidTemplate::Relative);
    assert_eq!(wrong("/a?b=1"), InvalidTemplate::NotPath('?'));
    assert_eq!(wrong("/a#b"), InvalidTemplate::NotPath('#'));
    assert_eq!(wrong("/a//b"), InvalidTemplate::EmptySegment);
    assert_eq!(wrong("/v{n}"), InvalidTemplate::Braces("v{n}".into()));
    assert_eq!(wrong("/{}"), InvalidTemplate::Name(String::new()));
    assert_eq!(wrong("/{a b}"), InvalidTemplate::Name("a b".into()));
    assert_eq!(wrong("/{a}/{a}"), InvalidTemplate::Twice("a".into()));
    assert_eq!(wrong("/{*a}/b"), InvalidTemplate::NotLast("a".into()));
    assert_eq!(wrong("/{*a}/b").to_string(), "`{*a}` takes all that is left, so nothing can follow it");
    assert_eq!(wrong(&format!("/{}", "a".repeat(2_000))), InvalidTemplate::TooLong);
    let many: String = (0..17).map(|index| format!("/{{p{index}}}")).collect();
    assert_eq!(wrong(&many), InvalidTemplate::TooManyParameters);
}

#[test]
fn a_segment_is_written_as_a_normalised_path_has_it() {
    let wrong = |text: &str| text.parse::<PathTemplate>().unwrap_err();
    for (found, form) in
        [("a b", "a%20b"), ("ü", "%C3%BC"), ("%7e", "~"), ("%c3%bc", "%C3%BC"), ("a\"", "a%22")]
    {
        let expected = InvalidTemplate::NotNormal { found: found.into(), form: form.into() };
        assert_eq!(wrong(&format!("/x/{found}")), expected);
        assert!(format!("/x/{form}").parse::<PathTemplate>().is_ok(), "{form}");
    }
    for refused in ["..", ".", "..;a=1", "%2e%2e", "a%2fb", "a%5Cb", "a%00", "%", "%4", "%zz"] {
        assert_eq!(wrong(&format!("/{refused}/b")), InvalidTemplate::Refused(refused.into()));
    }
}

/// The same, by splitting everything into lists first.
fn slow(template: &str, path: &str) -> bool {
    let template: Vec<&str> = template.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    let fits = |(want, have): (&&str, &&str)| match want.strip_prefix('{') {
        Some(_) => !have.is_empty(),
        None => want == have,
    };
    match template.split_last() {
        Some((last, before)) if last.starts_with("{*") => {
            path.len() > before.len() && before.iter().zip(&path).all(fits)
        }
        _ => path.len() == template.len() && template.iter().zip(&path).all(fits),
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_comparing_lists(
        pieces in proptest::collection::vec(prop_oneof!["a", "b", "[{]p[}]"], 0..4),
        rest: bool,
        path in "(/[ab]?){0,5}",
    ) {
        let mut text: String = pieces
            .iter()
            .enumerate()
            .map(|(index, piece)| format!("/{}", piece.replace('p', &format!("p{index}"))))
            .collect();
        if rest || text.is_empty() {
            text.push_str("/{*rest}");
        }
        prop_assert_eq!(template(&text).matches(&path), path.starts_with('/') && slow(&text, &path));
    }

    #[test]
    fn a_template_without_holes_is_a_path_in_its_one_form(text in "/[a-z/.;%0-9A-F~!ü ]{0,16}") {
        if text.parse::<PathTemplate>().is_ok() {
            let form = ratewarden_http1::normalise(&text).map(std::borrow::Cow::into_owned);
            prop_assert_eq!(form, Ok(text));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", path in ".{0,40}") {
        if let Ok(template) = text.parse::<PathTemplate>() {
            let _ = template.matches(&path);
            let _ = template.param(&path, "a");
            prop_assert_eq!(template.as_str(), text);
        }
    }
}
