//! Which parameter sets the page size, in as few requests as can be.
//!
//! Names that the URL or the API's description give are tried first. Otherwise all sixteen usual names go into one request
//! with the value 1: where nothing becomes of it, one request has settled sixteen questions; where the page shrinks, bisection
//! finds the name in four more. A server that refuses unknown parameters refuses that request, and then the five commonest
//! names are tried one by one.

use super::growth::Page;
use super::listing::Listing;
use super::query::{self, SIZES};
use crate::http::Request;
use crate::probes::{Courier, Stop};

/// Names tried one by one where all at once are refused.
const TRIED_ALONE: usize = 5;

/// What was found of page-size parameters.
#[derive(Debug)]
pub(super) enum Parameter {
    /// This one sets the page size; the page of size 1 where it was asked for already.
    Found { name: String, first: Option<Page> },
    /// No name has any effect; the page that carried them all.
    NoEffect(Page),
    /// It could not be told, and why.
    Unknown(String),
}

/// Looks for the parameter; `baseline` is the list without any.
pub(super) async fn find(courier: &mut Courier<'_>, baseline: &Listing) -> Result<Parameter, Stop> {
    if baseline.items < 2 {
        return Ok(Parameter::Unknown(format!(
            "the list has {} items, too few to see an effect",
            baseline.items
        )));
    }
    for name in query::named_sizes(courier.ctx) {
        let page = ask(courier, &[&name]).await?;
        if shrinks(&page, baseline) {
            return Ok(Parameter::Found { name, first: Some(page) });
        }
    }
    let together = ask(courier, &SIZES).await?;
    if together.status >= 400 {
        return alone(courier, baseline).await;
    }
    if !shrinks(&together, baseline) {
        return Ok(Parameter::NoEffect(together));
    }
    let mut names: &[&str] = &SIZES;
    while names.len() > 1 {
        let (half, rest) = names.split_at(names.len() / 2);
        let page = ask(courier, half).await?;
        names = if shrinks(&page, baseline) { half } else { rest };
    }
    let Some(name) = names.first() else { return Ok(Parameter::NoEffect(together)) };
    // The last name may be left by elimination: the page of size 1 that comes next must show its effect.
    let page = ask(courier, &[name]).await?;
    if shrinks(&page, baseline) {
        return Ok(Parameter::Found { name: (*name).to_owned(), first: Some(page) });
    }
    Ok(Parameter::Unknown("page-size parameters have an effect only together".to_owned()))
}

async fn alone(courier: &mut Courier<'_>, baseline: &Listing) -> Result<Parameter, Stop> {
    for name in SIZES.iter().take(TRIED_ALONE) {
        let page = ask(courier, &[name]).await?;
        if shrinks(&page, baseline) {
            return Ok(Parameter::Found { name: (*name).to_owned(), first: Some(page) });
        }
    }
    Ok(Parameter::Unknown(
        "unknown parameters are refused, and none of the five commonest page-size names works".to_owned(),
    ))
}

async fn ask(courier: &mut Courier<'_>, names: &[&str]) -> Result<Page, Stop> {
    let set: Vec<(&str, u64)> = names.iter().map(|&name| (name, 1)).collect();
    let request = Request::get(query::with(&courier.ctx.client.target().path_and_query, &set));
    let (answer, response) = courier.ask(&request).await?;
    Ok(Page::new(Some(1), &answer, &response))
}

/// Whether a page of size 1 is clearly shorter than the plain list. A list that changes by a row meanwhile is not.
fn shrinks(page: &Page, baseline: &Listing) -> bool {
    page.list.as_ref().is_some_and(|list| list.items <= 1 || list.items * 2 <= baseline.items)
}

/// Whether other positions can be asked for although the page size cannot be set: one request with the usual offsets.
pub(super) async fn has_positions(courier: &mut Courier<'_>, control: &Page) -> Result<bool, Stop> {
    let items = control.items();
    let set = [("page", 2), ("offset", items), ("skip", items), ("start", items)];
    let request = Request::get(query::with(&courier.ctx.client.target().path_and_query, &set));
    let (answer, response) = courier.ask(&request).await?;
    let moved = Page::new(None, &answer, &response);
    // A refusal means that somebody reads them.
    let Some(list) = moved.list else { return Ok(true) };
    let same =
        control.list.as_ref().is_some_and(|known| known.first == list.first && known.items == list.items);
    Ok(!same)
}
