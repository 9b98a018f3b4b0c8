//! `doorstep token`: the tokens of a company in a running daemon, over its HTTP API.

use std::io::{Write, stdout};

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::error::ClientError;
use super::client::http::Http;
use super::client::target::HttpArgs;
use super::error::CliError;
use crate::runtime::access::Role;

/// Make, list and revoke the tokens of a company
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    Create(CreateArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make a token; its text is shown this once
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
struct CreateArgs {
    #[command(flatten)]
    http: HttpArgs,
    /// What its holder may do
    #[arg(long, value_name = "ROLE")]
    #[arg(value_parser = PossibleValuesParser::new(Role::ALL.map(Role::name)))]
    role: String,
    /// The number of the courier whose device it is
    #[arg(long, value_name = "NUMBER", required_if_eq("role", "device"))]
    courier: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List the company's tokens, without their texts
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
struct ListArgs {
    #[command(flatten)]
    http: HttpArgs,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
}

/// Put a token out of force, at once and for good
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
struct RevokeArgs {
    #[command(flatten)]
    http: HttpArgs,
    /// The token's id, as list shows it
    #[arg(value_name = "ID")]
    id: u64,
}

/// Runs the command.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub fn token(args: &TokenArgs) -> Result<(), CliError> {
    match &args.action {
        Action::Create(args) => {
            let http = args.http.http()?;
            let made = asked(create(&http, args))?;
            print(&made, args.json, || {
                let text = made.get("token").and_then(Value::as_str).unwrap_or_default();
                format!("{}\ntoken  {text} (shown this once)\n", row(&made))
            })
        }
        Action::List(args) => {
            let http = args.http.http()?;
            let tokens = asked(list(&http))?;
            let mut out = stdout().lock();
            for token in &tokens {
                let line = if args.json { token.to_string() } else { row(token) };
                writeln!(out, "{line}")?;
            }
            Ok(())
        }
        Action::Revoke(args) => {
            let http = args.http.http()?;
            asked(http.delete(&format!("/v1/tokens/{}", args.id)))?;
            writeln!(stdout().lock(), "token {} is revoked", args.id)?;
            Ok(())
        }
    }
}

/// The daemon's answer.
pub(super) fn asked<T>(
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(ClientError::System)?.block_on(answer)?)
}

/// Prints an answer as it is, or as a person reads it.
pub(super) fn print(
    answer: &Value,
    is_json: bool,
    text: impl FnOnce() -> String,
) -> Result<(), CliError> {
    let text = if is_json { format!("{answer}\n") } else { text() };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

async fn create(http: &Http, args: &CreateArgs) -> Result<Value, ClientError> {
    let mut wish = json!({ "role": args.role });
    if let Some(number) = &args.courier {
        wish["courier_id"] = courier_id(http, number).await?.into();
    }
    http.post("/v1/tokens", &wish).await
}

/// The id of the courier of a number.
pub(super) async fn courier_id(http: &Http, number: &str) -> Result<u64, ClientError> {
    let info = http.get("/v1/info").await?;
    let company = info.get("company").and_then(|company| company.get("id")?.as_u64());
    let company = company.ok_or_else(|| ClientError::Argument("unknown token".to_owned()))?;
    let number_escaped = escaped(number);
    let path = format!("/api/v1/companies/{company}/couriers?number={number_escaped}");
    let found = http.get(&path).await?;
    let id = found.get(0).and_then(|courier| courier.get("id")?.as_u64());
    id.ok_or_else(|| {
        let problem = format!("company {company} has no courier of the number \"{number}\"");
        ClientError::Argument(format!("--courier: {problem}"))
    })
}

/// A text as it may stand in a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let bytes = text.bytes().map(|byte| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    });
    bytes.collect()
}

async fn list(http: &Http) -> Result<Vec<Value>, ClientError> {
    let mut tokens = Vec::new();
    for page in 1..=PAGES_MAX {
        let listed = http.get(&format!("/v1/tokens?page={page}")).await?;
        let Some(listed) = listed.as_array().filter(|listed| !listed.is_empty()) else { break };
        tokens.extend(listed.iter().cloned());
    }
    Ok(tokens)
}

fn row(token: &Value) -> String {
    let of = |key: &str| token.get(key).filter(|value| !value.is_null());
    let text = |key: &str| of(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = of("id").map_or_else(String::new, Value::to_string);
    let mut row = format!("{id:>6}  {:10}  made {}", text("role"), text("created_at"));
    if let Some(courier) = of("courier_id") {
        row.push_str(&format!("  courier {courier}"));
    }
    if of("revoked_at").is_some() {
        row.push_str(&format!("  revoked {}", text("revoked_at")));
    }
    row
}

const PAGES_MAX: u32 = 10_000;
const EXAMPLES: &str = "\
Examples:
  doorstep token create --into http://127.0.0.1:8080 --token ADMIN --role device --courier ada
  doorstep token create --into http://127.0.0.1:8080 --token ADMIN --role subscriber --json
  doorstep token list --into http://127.0.0.1:8080 --token ADMIN
  doorstep token revoke 17 --into http://127.0.0.1:8080 --token ADMIN";
