//! The list of notifications, as documented.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order_view::time_or_null;
use super::under_company;
use crate::api::body::{Ids, PAGE_MAX, Parameters, skipped};
use crate::api::caller::Caller;
use crate::api::error::Problem;
use crate::api::present::tracking_url;
use crate::api::state::Api;
use crate::domain::time::Time;
use crate::feed::cloud_event::iso;
use crate::runtime::access::Role;
use crate::runtime::local_time;
use crate::storage::catalog::change::Kind;
use crate::storage::catalog::notifications::NotificationSpan;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new().route(&under_company("/order-notifications"), get(read))
}

/// The documented parameters.
#[derive(Deserialize)]
struct Wanted {
    from: Option<String>,
    to: Option<String>,
    page: Option<String>,
}

async fn read(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Ids(company): Ids<u64>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<axum::Json<Value>, Problem> {
    let company = u64::from(caller.within(company, Role::reads)?.0);
    let span = span(company, &wanted)?;
    api.notifications.catch_up()?;
    let (list, names) = api.readers.read(|catalog| {
        let list = catalog.notifications(&span)?;
        let mut names = BTreeMap::new();
        for notification in &list {
            if let Entry::Vacant(unknown) = names.entry(notification.company) {
                let company = catalog.document_ever(Kind::Company, notification.company)?;
                let name = company.and_then(|company| company.text("name").map(str::to_owned));
                unknown.insert(name);
            }
        }
        Ok((list, names))
    })?;
    let mut items = Vec::with_capacity(list.len());
    for listed in &list {
        items.push(json!({
            "id": listed.id,
            "type": listed.kind,
            "eta": time_or_null(listed.eta_ms.map(Time::from_ms)),
            "time": iso(Time::from_ms(listed.time_ms)),
            "widget_url": tracking_url(&api, listed.company, listed.order)?,
            "order_id": listed.order,
            "order_number": listed.order_number,
            "route_id": listed.route,
            "route_number": listed.route_number,
            "owner_company_id": listed.company,
            "owner_company_name": names.get(&listed.company),
        }));
    }
    Ok(axum::Json(Value::Array(items)))
}

fn span(company: u64, wanted: &Wanted) -> Result<NotificationSpan, Problem> {
    let (from, to) = (instant("/from", wanted.from.as_ref())?, instant("/to", wanted.to.as_ref())?);
    if to - from > SPAN_MS_MAX {
        return Err(Problem::invalid("/to", "from and to are more than 30 minutes apart"));
    }
    if to < from {
        return Err(Problem::invalid("/to", "is before from"));
    }
    let page = match &wanted.page {
        Some(page) => Some(
            page.parse()
                .map_err(|_| Problem::invalid("/page", "expected a whole number of 1 or more"))?,
        ),
        None => None,
    };
    Ok(NotificationSpan {
        company,
        from_ms: from.ms(),
        to_ms: to.ms(),
        skipped: skipped(page)?,
        page_max: PAGE_MAX,
    })
}

fn instant(pointer: &str, text: Option<&String>) -> Result<Time, Problem> {
    let text = text.ok_or_else(|| Problem::invalid(pointer, "is missing"))?;
    // An unescaped `+` of an offset arrives as a space.
    let text = text.replace(' ', "+");
    local_time::instant(&text).map_err(|error| Problem::invalid(pointer, error.to_string()))
}

/// Longest span of one request.
const SPAN_MS_MAX: i64 = 30 * 60 * 1_000;
