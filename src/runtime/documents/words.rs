//! The words of a type error for whoever writes documents: what was expected, without the names of
//! Rust's types.

/// The error as serde words it, in plain words.
pub(crate) fn in_words(problem: &str) -> String {
    let plain = [
        ("expected f64", "expected a number"),
        ("expected i64", "expected a whole number"),
        ("expected u64", "expected a whole number of 0 or more"),
        ("expected u32", "expected a whole number of 0 or more"),
        ("expected usize", "expected a whole number of 0 or more"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected an object"),
    ];
    let problem = plain.iter().fold(problem.to_owned(), |text, (from, to)| text.replace(from, to));
    // `struct Name`, `struct Name with 3 elements`, `internally tagged enum Name`.
    let kinds = ["expected struct ", "expected internally tagged enum "];
    let found = kinds.iter().find_map(|kind| problem.split_once(kind));
    let Some((before, named)) = found else { return problem };
    let after = named.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    let after = match after.strip_prefix(" with ").and_then(|rest| rest.split_once(" element")) {
        Some((_, rest)) => rest.trim_start_matches('s'),
        None => after,
    };
    format!("{before}expected an object{after}")
}
