//! The plan file: what a recorded day was meant to be. Read, checked and turned into what the
//! engine takes, with the numbers kept for printing. Knows nothing of positions.

mod depot;
mod dto;
mod items;
mod names;
mod route;

use std::fs;
use std::path::Path;

pub use items::{Items, SETTINGS};
pub use names::Names;

use self::depot::Depots;
use self::dto::{CourierDto, PlanDto};
use self::route::{RouteContext, route_plan};
use super::error::CliError;
use crate::cli::stderr::tell;
use crate::domain::courier::CourierPlan;
use crate::domain::ids::{CompanyId, CourierId, RouteId};
use crate::domain::order::OrderPlan;
use crate::domain::policy::Policy;
use crate::domain::route::RoutePlan;
use crate::domain::time::Time;
use crate::ingest::files::Origin;
use crate::runtime::documents::company::Company;
use crate::runtime::documents::doors::overlapping;
use crate::runtime::documents::dto::CompanyDto;
use crate::runtime::documents::findings::{Findings, Place};
use crate::runtime::documents::words::in_words;

/// A plan that is valid.
#[derive(Debug)]
pub struct Plan {
    /// From when `t` and `t_s` of the other files count.
    pub epoch: Time,
    /// The company's settings.
    pub policy: Policy,
    /// The couriers by id, from 1.
    pub couriers: Vec<PlannedCourier>,
    /// The routes by id, from 1.
    pub routes: Vec<RoutePlan>,
    /// Numbers of the couriers.
    pub courier_names: Names,
    /// Numbers of the routes.
    pub route_names: Names,
    /// Numbers of the orders.
    pub order_names: Names,
    /// What deserves a word on stderr.
    pub warnings: Vec<String>,
}

/// A courier of the plan.
#[derive(Clone, Copy, Debug)]
pub struct PlannedCourier {
    /// As the engine takes it.
    pub plan: CourierPlan,
    /// The device falls silent while it stands.
    pub silent_when_still: bool,
}

impl Plan {
    /// Reads a plan file.
    ///
    /// # Errors
    /// The file cannot be read or is not a valid plan; one line per error.
    pub fn load(path: &Path) -> Result<Self, CliError> {
        Ok(Self::load_with_items(path)?.0)
    }

    /// Reads a plan file, with its documents as the API takes them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with_items(path: &Path) -> Result<(Self, Items), CliError> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| CliError::Plan(format!("{file}: cannot read: {error}")))?;
        let plan = Self::parse(&file, &text).map_err(CliError::Plan)?;
        let items = Items::of(&text, plan.epoch);
        Ok((plan, items))
    }

    /// The plan of a file's text.
    ///
    /// # Errors
    /// Not a valid plan; one line per error, each with the file's name.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        let dto: PlanDto = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| place_of_type_error(file, &error))?;
        json.end().map_err(|error| format!("{file}: {error}"))?;
        let mut findings = Findings::new(file);
        let mut plan = Self::build(&dto, &mut findings);
        plan.warnings = findings.finish()?;
        Ok(plan)
    }

    /// Prints the warnings on stderr.
    pub fn warn(&self) {
        for warning in &self.warnings {
            tell(format_args!("{warning}"));
        }
    }

    /// What files of positions and truth take from the plan.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let sole_courier = (self.couriers.len() == 1).then(|| self.courier_names.number(1));
        Origin { epoch_ms: self.epoch.ms(), sole_courier: sole_courier.map(str::to_owned) }
    }

    /// Every order with its route.
    pub fn orders(&self) -> impl Iterator<Item = (&RoutePlan, &OrderPlan)> {
        self.routes.iter().flat_map(|route| route.orders().map(move |order| (route, order)))
    }

    fn build(dto: &PlanDto, findings: &mut Findings) -> Self {
        if dto.zones.as_ref().is_some_and(|zones| !zones.is_empty()) {
            let problem = "zones are not evaluated yet: leave them out";
            findings.error(&Place::root("zones"), problem);
        }
        let default_company = CompanyDto::default();
        let company = Company::new(dto.company.as_ref().unwrap_or(&default_company), findings);
        let depots = Depots::new(dto.depots.as_deref().unwrap_or_default(), findings);
        let mut plan = Self {
            epoch: epoch(dto.epoch.unwrap_or(0.0), findings),
            policy: company.policy.clone(),
            couriers: Vec::new(),
            routes: Vec::new(),
            courier_names: Names::default(),
            route_names: Names::default(),
            order_names: Names::default(),
            warnings: Vec::new(),
        };
        plan.add_couriers(dto.couriers.as_deref().unwrap_or_default(), findings);
        plan.add_routes(dto, &company, &depots, findings);
        plan
    }

    fn add_couriers(&mut self, dtos: &[CourierDto], findings: &mut Findings) {
        for (index, dto) in dtos.iter().enumerate() {
            let at = Place::root("couriers").index(index);
            findings.number(&at.key("number"), &dto.number);
            let id = self.courier_names.draw(&dto.number, &at.key("number"), findings);
            let sources = dto
                .allowed_courier_position_sources
                .as_ref()
                .map(|names| findings.sources(&at.key("allowed_courier_position_sources"), names));
            let silent_when_still = dto.silent_when_still.unwrap_or(false);
            self.couriers.push(PlannedCourier {
                plan: CourierPlan {
                    id: CourierId(id),
                    company: COMPANY,
                    allowed_courier_position_sources: sources,
                },
                silent_when_still,
            });
        }
    }

    fn add_routes(
        &mut self,
        dto: &PlanDto,
        company: &Company,
        depots: &Depots,
        findings: &mut Findings,
    ) {
        let context = RouteContext { epoch: self.epoch, company, depots };
        let has_list = !self.couriers.is_empty();
        for (index, route) in dto.routes.iter().enumerate() {
            let at = Place::root("routes").index(index);
            if has_list && self.courier_names.id(&route.courier).is_none() {
                let problem = format!("\"{}\" is not in couriers: misspelt?", route.courier);
                findings.warn(&at.key("courier"), problem);
            }
            findings.number(&at.key("number"), &route.number);
            let id = self.route_names.draw(&route.number, &at.key("number"), findings);
            let courier = self.courier_of_route(&route.courier, &at, findings);
            let ids = (RouteId(u64::from(id)), courier);
            let orders = &mut self.order_names;
            let plan = route_plan(ids, route, &context, orders, &at, findings);
            if let Some((one, other)) = overlapping(&plan, &company.policy) {
                let (one, other) = (orders.number(one.0), orders.number(other.0));
                let problem = format!(
                    "\"{one}\" and \"{other}\" lie within each other's radius: with overlap_policy \
                     \"nearest\" only the door where the courier stands is visited"
                );
                findings.warn(&at, problem);
            }
            self.routes.push(plan);
        }
    }

    /// A courier may be named by routes alone.
    fn courier_of_route(&mut self, number: &str, at: &Place, findings: &mut Findings) -> CourierId {
        let place = at.key("courier");
        findings.number(&place, number);
        let id = CourierId(self.courier_names.id_or_draw(number));
        if id.0 as usize > self.couriers.len() {
            self.couriers.push(PlannedCourier {
                plan: CourierPlan { id, company: COMPANY, allowed_courier_position_sources: None },
                silent_when_still: false,
            });
        }
        id
    }
}

fn epoch(seconds: f64, findings: &mut Findings) -> Time {
    if !(0.0..=EPOCH_MAX_S).contains(&seconds) {
        let problem = format!("{seconds} is not allowed: expected Unix seconds, 0 or more");
        findings.error(&Place::root("epoch"), problem);
        return Time::from_ms(0);
    }
    Time::from_ms(libm::round(seconds * 1e3) as i64)
}

/// `file:line:column: place: what is wrong`.
fn place_of_type_error(
    file: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> String {
    let (inner, path) = (error.inner(), error.path().to_string());
    let text = inner.to_string();
    let (line, column) = (inner.line(), inner.column());
    let problem = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let problem = in_words(problem);
    if path == "." || inner.is_syntax() || inner.is_eof() {
        return format!("{file}:{line}:{column}: {problem}");
    }
    format!("{file}:{line}:{column}: {path}: {problem}")
}

/// The company of every plan.
pub const COMPANY: CompanyId = CompanyId(1);
/// The last second of the year 9999.
const EPOCH_MAX_S: f64 = 253_402_300_799.0;
