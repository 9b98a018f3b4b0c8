//! What a scenario expects: `=> ARRIVAL A @0 est=0`. Says how an expected output meets a told one,
//! and shows the difference where they do not.

use std::fmt::Write as _;

use super::fact::{Fact, Family, Value};
use super::words::{Parsed, Words, seconds, time};

/// One expected output.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Line in the file, from 1.
    pub line: usize,
    /// What the line says of it.
    text: String,
    fact: Fact,
}

impl Expectation {
    /// Its family.
    pub fn family(&self) -> Family {
        self.fact.family
    }

    /// Whether the told fact is the expected one; fields that the line leaves out may be anything.
    fn is_met_by(&self, told: &Fact) -> bool {
        let met = |(key, expected): (&String, &Value)| match (expected, told.fields.get(key)) {
            (Value::Time(expected), Some(Value::Time(actual))) => {
                (*actual - *expected).abs() <= tolerance_ms(key)
            }
            (expected, Some(actual)) => expected == actual,
            (_, None) => false,
        };
        let says_time = |fact: &Fact| fact.fields.contains_key("position.time");
        let same_instant = says_time(told) == says_time(&self.fact);
        self.fact.head == told.head && same_instant && self.fact.fields.iter().all(met)
    }
}

/// Parses what follows `=>`; one line may name several orders.
pub fn expectations(line: usize, text: &str) -> Parsed<Vec<Expectation>> {
    let mut words = Words::of(text);
    let word = words.word("what is expected")?;
    let family = match word.as_str() {
        "nothing" => return words.end().map(|()| Vec::new()),
        "ARRIVAL" | "VISIT" | "DEPARTURE" => Family::Stays,
        "STATUS" | "INTERVAL" | "CREATED" => Family::Orders,
        "START" | "NEXT" => Family::Route,
        "violated" => Family::Violated,
        "dropped" => Family::Dropped,
        "eta" => Family::Eta,
        "shift_start" | "nearby" => Family::Notifications,
        _ => return Err(format!("`{word}` is nothing that an engine tells")),
    };
    let fields = fields(&word, family, &mut words)?;
    let expectation = |head: String| {
        let fact = Fact { family, head, fields: fields.clone() };
        Expectation { line, text: text.trim().into(), fact }
    };
    Ok(heads(&word, words.rest())?.into_iter().map(expectation).collect())
}

fn heads(word: &str, mut rest: Vec<String>) -> Parsed<Vec<String>> {
    if word == "violated" {
        return Ok(vec![format!("violated {}", rest.join(" "))]);
    }
    let at = rest.pop().ok_or("the time is missing")?;
    let at = at.strip_prefix('@').ok_or(format!("`{at}` is not a time such as @300"))?;
    let at = seconds(time(at)?);
    let one_head = matches!(word, "STATUS" | "INTERVAL" | "dropped" | "eta");
    let subjects = if one_head { vec![rest.join(" ")] } else { rest };
    if subjects.is_empty() {
        return Err(format!("{word} of which order?"));
    }
    let head = |subject: &String| match subject.as_str() {
        "" => format!("{word} @{at}"),
        subject => format!("{word} {subject} @{at}"),
    };
    Ok(subjects.iter().map(head).collect())
}

type Fields = std::collections::BTreeMap<String, Value>;

/// The fields of a line, and those that hold unless a line says otherwise.
fn fields(word: &str, family: Family, words: &mut Words) -> Parsed<Fields> {
    let mut fields = Fields::new();
    let mut text = |key: &str, value: &str| {
        fields.insert(key.into(), Value::Text(value.into()));
    };
    text("backfilled", if words.flag("backfilled") { "true" } else { "false" });
    if family == Family::Stays {
        text("inferred", "false");
        text("interpolated", "false");
        text("sent", "true");
    }
    if word == "DEPARTURE" {
        let (visited, unvisited) = (words.flag("visited"), words.flag("unvisited"));
        if visited == unvisited {
            return Err("a DEPARTURE is visited or unvisited".into());
        }
        text("visited", if visited { "true" } else { "false" });
        text("reason", "left");
    }
    let mut orders = Vec::new();
    if family == Family::Eta {
        text("stale", if words.flag("stale") { "true" } else { "false" });
    }
    for (key, value) in words.options() {
        let is_order = family == Family::Eta && key.starts_with(|c: char| c.is_ascii_uppercase());
        if is_order && !key.contains('.') {
            orders.push(key.clone());
        }
        let is_time = matches!(key.as_str(), "est" | "told" | "eta" | "position.time") || is_order;
        let value = if is_time && value != "null" {
            Value::Time(time(&value)?)
        } else {
            Value::Text(value)
        };
        fields.insert(key, value);
    }
    if family == Family::Eta {
        fields.insert("orders".into(), Value::Text(orders.join(",")));
    }
    Ok(fields)
}

fn tolerance_ms(key: &str) -> i64 {
    if key == "told" { 0 } else { TOLERANCE_MS }
}

/// The difference between what is expected and what was told, empty if there is none.
pub fn difference(expected: &[&Expectation], told: &[Fact]) -> String {
    let common = common_lengths(expected, told);
    let (mut e, mut t) = (0, 0);
    let mut lines = String::new();
    let mut differs = false;
    while e < expected.len() || t < told.len() {
        let both = e < expected.len() && t < told.len();
        if both && expected[e].is_met_by(&told[t]) {
            writeln!(lines, "           {}", expected[e].text).expect("a String takes it");
            (e, t) = (e + 1, t + 1);
            continue;
        }
        differs = true;
        if t == told.len() || (e < expected.len() && common[e + 1][t] >= common[e][t + 1]) {
            writeln!(lines, "  expected {}  (line {})", expected[e].text, expected[e].line)
                .expect("a String takes it");
            e += 1;
        } else {
            writeln!(lines, "  told     {}", told[t]).expect("a String takes it");
            t += 1;
        }
    }
    if differs { lines } else { String::new() }
}

/// Length of the longest common run from each pair of places on.
fn common_lengths(expected: &[&Expectation], told: &[Fact]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; told.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for t in (0..told.len()).rev() {
            lengths[e][t] = if expected[e].is_met_by(&told[t]) {
                lengths[e + 1][t + 1] + 1
            } else {
                lengths[e + 1][t].max(lengths[e][t + 1])
            };
        }
    }
    lengths
}

/// A centimetre of rounding in a place is some milliseconds of a chord or a drive.
const TOLERANCE_MS: i64 = 50;
