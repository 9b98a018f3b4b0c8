//! The strict JSON reader against serde_json: what it takes is what serde_json makes of it, and it
//! takes nothing that serde_json refuses.

#![no_main]

use doorstep::api::json::parse;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let theirs = serde_json::from_slice::<Value>(bytes);
    match (parse(bytes), theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Ok(ours), Err(error)) => panic!("taken: {ours}, by serde_json refused: {error}"),
        (Err(_), _) => {}
    }
});
