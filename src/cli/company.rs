//! `doorstep company`: companies of a running daemon, over its HTTP API.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::target::HttpArgs;
use super::error::CliError;
use super::token::{asked, print};

/// Make companies in a running daemon
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CompanyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    Create(CreateArgs),
}

/// Make a company and its admin token, with an admin token of company 1
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
struct CreateArgs {
    #[command(flatten)]
    http: HttpArgs,
    /// The customer-side number; without it the company's id
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// The name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Its settings: a JSON object as in a plan's "company"
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub fn company(args: &CompanyArgs) -> Result<(), CliError> {
    let Action::Create(args) = &args.action;
    let mut body = args.settings.as_ref().map_or_else(|| Ok(json!({})), settings)?;
    for (key, value) in [("number", &args.number), ("name", &args.name)] {
        if let Some(value) = value {
            body[key] = value.as_str().into();
        }
    }
    let http = args.http.http()?;
    let company = asked(async { http.post("/api/v1/companies", &body).await })?;
    print(&company, args.json, || {
        let text = |key: &str| company.get(key).and_then(Value::as_str).unwrap_or_default();
        let id = company.get("id").map_or_else(String::new, Value::to_string);
        format!("company      {id}\nadmin token  {} (shown this once)\n", text("admin_token"))
    })
}

fn settings(path: &PathBuf) -> Result<Value, CliError> {
    let refused = |problem: String| CliError::Argument(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(refused("expected a JSON object".to_owned())) }
}

const EXAMPLES: &str = "\
Examples:
  doorstep company create --into http://127.0.0.1:8080 --token ADMIN --name 'Fleet East'
  doorstep company create --into http://127.0.0.1:8080 --token ADMIN --settings company.json --json";
