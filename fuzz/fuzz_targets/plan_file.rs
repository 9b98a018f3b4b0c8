//! Plan files: no text panics, a refusal names its file in every line, and what is taken can be
//! made into documents.

#![no_main]

use doorstep::cli::plan::{Items, Plan};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Plan::parse("plan.json", text) {
        Ok(plan) => {
            let items = Items::of(text, plan.epoch);
            assert!(items.routes.len() == plan.routes.len());
            let orders: usize = plan.routes.iter().map(|route| route.orders().count()).sum();
            assert_eq!(items.orders.len(), orders);
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.starts_with("plan.json"), "{errors}");
        }
    }
});
