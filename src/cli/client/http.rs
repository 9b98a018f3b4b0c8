//! Plain HTTP to a daemon: one request a connection, answered with JSON.

use core::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::ClientError;

/// The HTTP side of a daemon.
#[derive(Clone, Debug)]
pub struct Http {
    /// `host:port`.
    authority: String,
    token: Option<String>,
}

impl Http {
    /// The daemon at `http://host[:port]`.
    ///
    /// # Errors
    /// Another form of URL.
    pub fn new(url: &str, token: Option<String>) -> Result<Self, ClientError> {
        let refused =
            || ClientError::Argument(format!("--into {url}: expected a URL http://host:port"));
        let rest = url.strip_prefix("http://").ok_or_else(refused)?;
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains('/') {
            return Err(refused());
        }
        let has_port =
            authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Self { authority, token })
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Reads a document.
    ///
    /// # Errors
    /// No answer, another status than 2xx, or no JSON.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.request("GET", path, None).await
    }

    /// Sends a document.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.request("POST", path, Some(body)).await
    }

    /// Changes a document.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.request("PATCH", path, Some(body)).await
    }

    /// Takes a document away.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.request("DELETE", path, None).await.map(drop)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// No answer, or another status than 2xx.
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        self.answer("GET", path, None).await
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let answer = self.answer(method, path, body).await?;
        if answer.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&answer).map_err(|error| self.problem(method, path, error.to_string()))
    }

    fn problem(&self, method: &str, path: &str, problem: String) -> ClientError {
        ClientError::Http { url: format!("{method} http://{}{path}", self.authority), problem }
    }

    /// The body of a good answer.
    async fn answer(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<String, ClientError> {
        let problem = |problem: String| self.problem(method, path, problem);
        let exchanged = timeout(ANSWER_WITHIN, self.exchange(method, path, body)).await;
        let answer = exchanged
            .map_err(|_| problem("no answer in time".to_owned()))?
            .map_err(|error| problem(error.to_string()))?;
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text
            .split_once("\r\n\r\n")
            .ok_or_else(|| problem("the answer is not HTTP".to_owned()))?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        match status {
            Some(200..=299) => Ok(body.to_owned()),
            Some(status) => Err(problem(format!("{status} {}", in_words(body)))),
            None => Err(problem("the answer is not HTTP".to_owned())),
        }
    }

    /// HTTP 1.0, so that the answer comes whole and ends with the connection.
    async fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&self.authority).await?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n", self.authority);
        if let Some(token) = &self.token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        if !body.is_empty() {
            request.push_str("Content-Type: application/json\r\n");
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

/// What a problem's document says, in one line; any other body as it is.
fn in_words(body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let Some(mut line) = text(&problem, "detail") else { return body.trim().to_owned() };
    let errors = problem.get("errors").and_then(Value::as_array);
    for error in errors.into_iter().flatten().take(ERRORS_TOLD_MAX) {
        let (pointer, detail) = (text(error, "pointer"), text(error, "detail"));
        let pointer = pointer.filter(|pointer| !pointer.is_empty());
        let place = pointer.map_or_else(String::new, |pointer| format!("{pointer} "));
        line.push_str(&format!("; {place}{}", detail.unwrap_or_default()));
    }
    line
}

/// Errors of one answer that are told.
const ERRORS_TOLD_MAX: usize = 5;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: u64 = 64 << 20;
