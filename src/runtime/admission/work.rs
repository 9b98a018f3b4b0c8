//! The admission thread's work on one request, from validation to the catalog.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::draft::{Draft, SetStatus};
use super::effects::{Effects, Told};
use super::erase;
use super::present::Present;
use super::quarantine;
use super::request::{Accepted, Mode, Refusal, Request, place_of};
use super::rules;
use super::store::{Batch, Stop, store};
use super::tokens::{self, Wish};
use super::version::Condition;
use super::{BATCH_MAX, Surroundings};
use super::{attach, callbacks, overlaps};
use crate::domain::command::Command;
use crate::domain::ids::{CompanyId, CourierId, PartitionId};
use crate::runtime::access::{Access, draw_token};
use crate::runtime::clock::Clock;
use crate::runtime::commands::Commands;
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::error::{AdmissionError, CommandError};
use crate::runtime::fault::Fault;
use crate::runtime::labels::Labels;
use crate::runtime::partition::partition_of;
use crate::storage::catalog::Catalog;
use crate::storage::catalog::change::{Change, Document, Kind, StoredToken, encode};
use crate::storage::catalog::error::CatalogError;

/// What the thread owns.
pub(super) struct Work {
    pub(super) catalog: Catalog,
    commands: Commands,
    present: Present,
    fault: Fault,
    clock: Clock,
    access: Arc<Access>,
    told: Told,
    labels: Arc<Labels>,
    applied: watch::Sender<u64>,
}

/// A request that is found good.
struct Good {
    accepted: Accepted,
    changes: Vec<Change>,
    parts: Vec<(PartitionId, Command)>,
    newly_told: Told,
}

impl Work {
    pub(super) fn new(
        catalog: Catalog,
        around: Surroundings,
        labels: Arc<Labels>,
        applied: watch::Sender<u64>,
    ) -> Result<Self, AdmissionError> {
        let told = around.commands.partitions_of_companies();
        let told = told.into_iter().map(|(company, at)| (company.0.into(), at.0)).collect();
        for document in catalog.silent_couriers()? {
            declare(&around.commands, &document);
        }
        for token in catalog.tokens_in_force()? {
            tokens::let_in(&around.access, &token);
        }
        Ok(Self {
            catalog,
            commands: around.commands,
            present: Present { views: around.views },
            fault: around.fault,
            clock: around.clock,
            access: around.access,
            told,
            labels,
            applied,
        })
    }

    /// Answers one request.
    pub(super) async fn answer(
        &mut self,
        request: &Request,
        condition: Option<&Condition>,
    ) -> Result<Accepted, Refusal> {
        if self.fault.has_failed() {
            return Err(Refusal::Stopped("the node has failed".to_owned()));
        }
        if let Some(condition) = condition {
            condition.check(&self.catalog)?;
        }
        if let Request::FinishErasure { courier } = request {
            let scrubbed = self.catalog.scrub();
            let finished =
                scrubbed.and_then(|()| self.catalog.finish_erasure(u64::from(courier.0)));
            let finished = finished.map_err(|error| Refusal::Stopped(error.to_string()));
            return finished.map(|()| Accepted::default());
        }
        let good = self.judge(request).await.map_err(|stop| match stop {
            Stop::Refused(refusal) => refusal,
            Stop::Failed(error) => Refusal::Stopped(error.to_string()),
        })?;
        if good.changes.is_empty() && good.parts.is_empty() {
            return Ok(good.accepted);
        }
        self.accept(good).await
    }

    async fn accept(&mut self, good: Good) -> Result<Accepted, Refusal> {
        if let Some(full) = quarantine::full(&good.parts, |courier| self.commands.waiting(courier))
        {
            return Err(Refusal::Invalid(vec![full]));
        }
        let note = encode(&good.changes).map_err(|error| Refusal::Stopped(error.to_string()))?;
        // The feed may tell of the command before it is in the catalog: its words come first.
        let followed = self.labels.follow(&self.catalog, &good.changes);
        followed.map_err(|error| Refusal::Stopped(error.to_string()))?;
        let committed = match self.commands.commit(good.parts, note).await {
            Ok(committed) => committed,
            Err(error) => {
                let restored = self.labels.restore(&good.changes, &self.catalog);
                self.labels.settled();
                restored.map_err(|error| Refusal::Stopped(error.to_string()))?;
                return Err(match error {
                    CommandError::Overloaded => Refusal::Busy,
                    CommandError::DiskFull => Refusal::DiskFull,
                    CommandError::TooLarge => too_large(),
                    CommandError::Stopped => Refusal::Stopped(error.to_string()),
                });
            }
        };
        if let Err(error) = self.apply(committed.journal_place, &good.changes) {
            // Documents that are behind the journal must judge nothing: recovery redoes them. What
            // was asked for stands.
            self.fault.fail(error.to_string());
            return Ok(good.accepted);
        }
        self.labels.settled();
        self.told.extend(good.newly_told);
        self.applied.send_replace(committed.journal_place);
        for change in &good.changes {
            match change {
                Change::PutToken(token) => tokens::let_in(&self.access, token),
                Change::Put(Kind::Courier, document) => declare(&self.commands, document),
                Change::Put(..)
                | Change::Delete(..)
                | Change::PutSecret(_)
                | Change::EraseCourier { .. }
                | Change::PutCallback(_)
                | Change::DeleteCallback(_)
                | Change::NoteDelivery(_) => {}
            }
        }
        Ok(good.accepted)
    }

    /// Writes the catalog, for as long as it takes to find room for it.
    fn apply(&mut self, place: u64, changes: &[Change]) -> Result<(), CatalogError> {
        loop {
            match self.catalog.apply(place, changes) {
                Err(CatalogError::Full(_)) if self.commands.room().has_come() => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    self.commands.room().found();
                    return Ok(());
                }
            }
        }
    }

    async fn judge(&self, request: &Request) -> Result<Good, Stop> {
        let mut draft = Draft::new(&self.catalog);
        let mut findings = Findings::of_request(BATCH_MAX);
        let (mut others, mut erasing) = (Vec::new(), None);
        let mut accepted = match request {
            Request::CreateToken { company, role, courier, depot } => {
                let company = u64::from(company.0);
                let wish = Wish { company, role: *role, courier: *courier, depot: *depot };
                self.new_token(&mut draft, &wish, &mut others)?
            }
            Request::RevokeToken { company, token } => {
                let revoked = tokens::revoked(&self.catalog, *company, *token, self.clock.now())?;
                others.push(Change::PutToken(revoked));
                Accepted::default()
            }
            Request::CreateCompany { item } => {
                self.first_of_company(&mut draft, item, &mut others, &mut findings)?
            }
            Request::Write { company, kind, mode, items } => {
                let company = u64::from(company.0);
                let batch = Batch { company, kind: *kind, mode: *mode, items };
                store(&mut draft, &batch, &mut findings)?
            }
            Request::Delete { company, kind, id } => {
                delete(&mut draft, u64::from(company.0), *kind, *id, &mut findings)?
            }
            Request::SetNodes { company, route, nodes } => {
                let route = (u64::from(company.0), route.0);
                set_nodes(&mut draft, route, nodes, &mut findings)?
            }
            Request::Attach(wanted) => {
                attach::attach(&mut draft, wanted, self.clock.now(), &mut findings)?
            }
            Request::FinishErasure { .. } => Accepted::default(),
            Request::SetStatus { .. } => set_status(&mut draft, request, &mut findings)?,
            Request::Release { .. } => Accepted { updated: 1, ..Accepted::default() },
            Request::EraseCourier { company, courier, orders } => {
                let erased = erase::courier(&mut draft, *company, *courier, orders)?;
                others.extend(self.revoked_of(*courier)?);
                others.push(erased.change);
                erasing = Some(erased.part);
                erased.accepted
            }
            Request::SetCallback { company, callback } => {
                let now = self.clock.now();
                others.push(callbacks::set(&self.catalog, *company, callback.as_ref(), now)?);
                Accepted::default()
            }
        };
        accepted.warnings =
            findings.settle().map_err(|errors| Stop::Refused(Refusal::Invalid(errors)))?;
        accepted.warnings.extend(overlaps::warnings(&mut draft)?);
        self.note_statuses(&mut draft).await?;
        rules::order::note_created(&mut draft, self.clock.now())?;
        let (mut parts, newly_told) = self.effects(&mut draft).await?;
        // Its routes are gone by then.
        parts.extend(erasing.or(self.released(request)?));
        let written = callbacks::written(&draft, self.clock.now());
        let changes = draft.changes().into_iter().chain(others).chain(written).collect();
        Ok(Good { accepted, changes, parts, newly_told })
    }

    /// What the changed documents mean for the engine, and the orders it has told of for the first
    /// time.
    async fn effects(
        &self,
        draft: &mut Draft<'_>,
    ) -> Result<(Vec<(PartitionId, Command)>, Told), Stop> {
        let mut effects = Effects {
            draft,
            present: &self.present,
            told: &self.told,
            newly_told: Told::new(),
            parts: Vec::new(),
            now: self.clock.now(),
        };
        effects.work_out().await?;
        Ok((effects.parts, effects.newly_told))
    }

    /// The command that ends a courier's quarantine, if the request asks for it.
    fn released(&self, request: &Request) -> Result<Option<(PartitionId, Command)>, Stop> {
        let Request::Release { courier } = *request else { return Ok(None) };
        let document = self.catalog.document_ever(Kind::Courier, courier.0.into())?;
        let Some(document) = document else {
            return Err(Stop::Refused(Refusal::NotFound("courier")));
        };
        let company = CompanyId(document.company as u32);
        Ok(Some((partition_of(company, courier), Command::Release(courier))))
    }

    /// A new company with its admin token.
    fn first_of_company(
        &self,
        draft: &mut Draft<'_>,
        item: &super::Item,
        changes: &mut Vec<Change>,
        findings: &mut Findings,
    ) -> Result<Accepted, Stop> {
        let items = core::slice::from_ref(item);
        let batch = Batch { company: 0, kind: Kind::Company, mode: Mode::Create, items };
        let mut accepted = new_company(draft, &batch, findings)?;
        if let Some(id) = accepted.ids.first() {
            let admin = self.new_token(draft, &Wish::admin(*id), changes)?;
            accepted.token = admin.token;
            changes.extend(self.first_secret()?);
        }
        Ok(accepted)
    }

    fn new_token(
        &self,
        draft: &mut Draft<'_>,
        wish: &Wish,
        changes: &mut Vec<Change>,
    ) -> Result<Accepted, Stop> {
        let id = self.catalog.last_token()? + 1;
        let (text, token) = tokens::drawn(draft, id, wish, self.clock.now())?;
        changes.push(Change::PutToken(token.clone()));
        Ok(Accepted {
            inserted: 1,
            ids: vec![id],
            token: Some((text, token)),
            ..Accepted::default()
        })
    }

    /// The tokens of a courier's devices, out of force.
    fn revoked_of(&self, courier: CourierId) -> Result<Vec<Change>, Stop> {
        let now_ms = self.clock.now().ms();
        let tokens = self.catalog.tokens_of_courier(u64::from(courier.0))?.into_iter();
        let revoked = tokens.map(|token| StoredToken { revoked_ms: Some(now_ms), ..token });
        Ok(revoked.map(Change::PutToken).collect())
    }

    /// The instance's secret is drawn with its first company.
    fn first_secret(&self) -> Result<Option<Change>, Stop> {
        if self.catalog.secret()?.is_some() {
            return Ok(None);
        }
        let drawn = draw_token();
        let secret = drawn.map_err(|error| Stop::Refused(Refusal::Stopped(error.to_string())))?;
        Ok(Some(Change::PutSecret(secret)))
    }

    /// Notes where the courier was when each status was set.
    async fn note_statuses(&self, draft: &mut Draft<'_>) -> Result<(), Stop> {
        for (id, set) in draft.statuses.clone() {
            let Some(parent) = draft.document(Kind::Order, id)?.map(|order| order.parent) else {
                continue;
            };
            let courier = match parent {
                Some(route) => {
                    draft.both(Kind::Route, route)?.before.as_ref().and_then(|r| r.parent)
                }
                None => None,
            };
            let place = match courier {
                Some(courier) => {
                    self.present.place(CourierId(courier as u32)).await.map_err(Stop::Refused)?
                }
                None => None,
            };
            let change = json!({
                "status": set.status.name(), "initiator": set.initiator.name(),
                "point": place_of(place), "at_ms": self.clock.now().ms(),
                "on_route": parent.is_some(), "comment": set.comment,
            });
            if let Some(order) = draft.document(Kind::Order, id)? {
                rules::order::note_status(order, change);
            }
        }
        Ok(())
    }
}

/// A company owns itself, so its id is known only once it is drawn.
fn new_company(
    draft: &mut Draft<'_>,
    batch: &Batch<'_>,
    findings: &mut Findings,
) -> Result<Accepted, Stop> {
    let Some(item) = batch.items.first() else { return Ok(Accepted::default()) };
    super::merge::check_nulls(Kind::Company, item, &Place::object(), findings);
    let body = super::merge::merged(Kind::Company, &super::Item::new(), item);
    let id = draft.draw(Kind::Company)?;
    let mut company = crate::storage::catalog::change::Document {
        id,
        company: id,
        number: String::new(),
        parent: None,
        shared_with: Vec::new(),
        body,
    };
    if rules::company::check(draft, &mut company, &Place::object(), findings)? {
        draft.put(Kind::Company, company)?;
    }
    Ok(Accepted { inserted: 1, ids: vec![id], ..Accepted::default() })
}

fn delete(
    draft: &mut Draft<'_>,
    company: u64,
    kind: Kind,
    id: u64,
    findings: &mut Findings,
) -> Result<Accepted, Stop> {
    let Some(document) = draft.own(kind, company, id)?.map(|document| document.clone()) else {
        return Err(Stop::Refused(Refusal::NotFound(kind.name())));
    };
    match kind {
        Kind::Company => return Err(Stop::Refused(Refusal::Forbidden)),
        Kind::Depot | Kind::Courier => {
            if draft.is_used(kind, company, id)? {
                let problem = format!("routes still name this {}", kind.name());
                findings.error(&Place::object(), problem);
            }
        }
        Kind::Route => {
            for order in rules::route::orders_of(&document).collect::<Vec<_>>() {
                if let Some(order) = draft.document(Kind::Order, order)? {
                    order.parent = None;
                }
            }
        }
        Kind::Order => {
            if let Some(route) = document.parent {
                rules::route::unlist(draft, route, id)?;
            }
        }
    }
    draft.delete(kind, id)?;
    Ok(Accepted { updated: 1, ids: vec![id], ..Accepted::default() })
}

/// Sets the sequence of a company's route anew.
fn set_nodes(
    draft: &mut Draft<'_>,
    (company, route): (u64, u64),
    nodes: &[Value],
    findings: &mut Findings,
) -> Result<Accepted, Stop> {
    let route = draft.own(Kind::Route, company, route)?;
    let Some(mut route) = route.map(|route| route.clone()) else {
        return Err(Stop::Refused(Refusal::NotFound("route")));
    };
    rules::route::set_nodes(draft, &mut route, nodes, &Place::object(), findings)?;
    Ok(Accepted { updated: 1, ids: vec![route.id], ..Accepted::default() })
}

/// A courier's app sets the status of an order on one of its own routes.
fn set_status(
    draft: &mut Draft<'_>,
    request: &Request,
    findings: &mut Findings,
) -> Result<Accepted, Stop> {
    let Request::SetStatus { company, order, courier, status, initiator, comment } = request else {
        return Ok(Accepted::default());
    };
    let not_found = || Stop::Refused(Refusal::NotFound("order"));
    let company = u64::from(company.0);
    let document = draft.own(Kind::Order, company, order.0)?;
    let document = document.map(|order| order.clone()).ok_or_else(not_found)?;
    if let Some(courier) = courier {
        let route = document.parent.ok_or_else(not_found)?;
        let owner = draft.document(Kind::Route, route)?.and_then(|route| route.parent);
        if owner != Some(u64::from(courier.0)) {
            return Err(not_found());
        }
    }
    let item: super::Item = [("status".to_owned(), status.name().into())].into_iter().collect();
    let items = core::slice::from_ref(&item);
    let batch = Batch { company, kind: Kind::Order, mode: Mode::Patch(order.0), items };
    let accepted = store(draft, &batch, findings)?;
    let (status, initiator, comment) = (*status, *initiator, comment.clone());
    draft.statuses.insert(order.0, SetStatus { status, initiator, comment });
    Ok(accepted)
}

fn too_large() -> Refusal {
    let problem = "the request changes more than fits into one record: send it in parts";
    Refusal::Invalid(vec![crate::runtime::documents::findings::Finding::new(
        &Place::object(),
        problem,
    )])
}

/// The positions of a courier are marked as its document says.
fn declare(commands: &Commands, document: &Document) {
    let is_silent = document.field("silent_when_still") == Some(&Value::Bool(true));
    commands.declare_silent_when_still(CourierId(document.id as u32), is_silent);
}
