//! Behaviour, shown: every file of tests/scenarios is a case of its own. tests/scenarios/README.md
//! says how to read and write one.

#![expect(clippy::disallowed_methods, reason = "it reads the scenarios")]

#[path = "support"]
mod support {
    pub mod documents;
    pub mod expectation;
    pub mod fact;
    pub mod interrupted;
    pub mod invariants;
    pub mod place;
    pub mod play;
    pub mod story;
    pub mod trial;
    pub mod words;
    pub mod world;
}

use std::fs;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut trials = Vec::new();
    for entry in fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            trials.push(Trial::test(name.clone(), move || scenario(&name, &path)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn scenario(name: &str, path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    Ok(support::trial::run(name, &text)?)
}
