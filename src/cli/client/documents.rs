//! The couriers, routes, orders and tokens that a simulated fleet needs, made over the documented
//! HTTP paths with an admin's or backend's token.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::ClientError;
use super::http::Http;

/// A courier with its route, as the daemon shall know them.
#[derive(Clone, Debug)]
pub struct CourierPlan {
    /// The courier's number, and the first part of its route's and its orders'.
    pub number: String,
    /// Where its orders are, in sequence: latitude and longitude.
    pub orders: Vec<(f64, f64)>,
}

/// What documents of one company are asked for.
#[derive(Clone, Debug)]
pub struct Documents {
    http: Http,
    company: u32,
}

impl Documents {
    /// The documents of a company.
    #[must_use]
    pub const fn new(http: Http, company: u32) -> Self {
        Self { http, company }
    }

    /// Stores couriers, and for each a route of `date` with its orders. `run` tells this run's
    /// routes from earlier ones. Gives the couriers' ids in the plans' order.
    ///
    /// # Errors
    /// The daemon refuses.
    pub async fn store(
        &self,
        plans: &[CourierPlan],
        date: &str,
        run: i64,
    ) -> Result<Vec<u32>, ClientError> {
        let couriers = plans.iter().map(|plan| json!({"number": plan.number}));
        self.upsert("couriers", &couriers.collect::<Vec<_>>()).await?;
        let routes = plans.iter().map(|plan| {
            let number = route_number(plan, run);
            json!({"number": number, "courier_number": plan.number, "date": date})
        });
        self.upsert("routes", &routes.collect::<Vec<_>>()).await?;
        let orders: Vec<Value> = plans.iter().flat_map(|plan| orders(plan, run)).collect();
        self.upsert("orders", &orders).await?;
        let numbers: Vec<&str> = plans.iter().map(|plan| plan.number.as_str()).collect();
        self.courier_ids(&numbers).await
    }

    /// Stores documents of one kind by their numbers, in batches. Gives how many were new.
    ///
    /// # Errors
    /// The daemon refuses one; the batches before it are stored.
    pub async fn upsert(&self, kind: &str, items: &[Value]) -> Result<u64, ClientError> {
        let mut inserted = 0;
        for items in items.chunks(BATCH_MAX) {
            let path = self.path(&format!("{kind}-batch"));
            let answer = self.http.post(&path, &Value::Array(items.to_vec())).await?;
            inserted += answer.get("inserted").and_then(Value::as_u64).unwrap_or(0);
        }
        Ok(inserted)
    }

    /// Changes the company's settings.
    ///
    /// # Errors
    /// The daemon refuses.
    pub async fn set_company(&self, settings: &Value) -> Result<(), ClientError> {
        let path = format!("/api/v1/companies/{}", self.company);
        self.http.patch(&path, settings).await.map(drop)
    }

    /// A token of a device, or of a gateway where no courier is named.
    ///
    /// # Errors
    /// The daemon refuses.
    pub async fn token(&self, courier: Option<u32>) -> Result<String, ClientError> {
        let wish = match courier {
            Some(courier) => json!({"role": "device", "courier_id": courier}),
            None => json!({"role": "gateway"}),
        };
        let made = self.http.post("/v1/tokens", &wish).await?;
        made.get("token").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            let problem = "the answer has no token".to_owned();
            ClientError::Http { url: "/v1/tokens".to_owned(), problem }
        })
    }

    /// The ids of couriers, in the order of their numbers.
    ///
    /// # Errors
    /// The daemon does not know one.
    pub async fn courier_ids(&self, numbers: &[&str]) -> Result<Vec<u32>, ClientError> {
        let ids = self.all_courier_ids().await?;
        let missing = |number: &str| ClientError::Http {
            url: self.path("couriers"),
            problem: format!("courier {number} was stored and is not listed"),
        };
        let ids = numbers.iter().map(|number| ids.get(*number).copied().ok_or(*number));
        ids.collect::<Result<_, _>>().map_err(missing)
    }

    async fn all_courier_ids(&self) -> Result<BTreeMap<String, u32>, ClientError> {
        let mut ids = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            let path = format!("{}?page={page}", self.path("couriers"));
            let couriers = self.http.get(&path).await?;
            let listed = couriers.as_array().map_or(&[][..], Vec::as_slice);
            if listed.is_empty() {
                break;
            }
            for courier in listed {
                let number = courier.get("number").and_then(Value::as_str);
                let id = courier.get("id").and_then(Value::as_u64);
                if let (Some(number), Some(id)) = (number, id) {
                    ids.insert(number.to_owned(), id as u32);
                }
            }
        }
        Ok(ids)
    }

    fn path(&self, what: &str) -> String {
        format!("/api/v1/companies/{}/{what}", self.company)
    }
}

fn route_number(plan: &CourierPlan, run: i64) -> String {
    format!("{}-{run}", plan.number)
}

fn orders(plan: &CourierPlan, run: i64) -> impl Iterator<Item = Value> + '_ {
    let route = route_number(plan, run);
    plan.orders.iter().enumerate().map(move |(at, (lat, lon))| {
        let number = format!("{route}-{}", at + 1);
        json!({
            "number": number,
            "route_number": route,
            "lat": lat,
            "lon": lon,
            "service_duration_s": SERVICE_S,
            "mark_delivered_radius": RADIUS_M,
        })
    })
}

const BATCH_MAX: usize = 1_000;
const PAGES_MAX: usize = 10_000;
const SERVICE_S: u32 = 60;
const RADIUS_M: u32 = 100;
