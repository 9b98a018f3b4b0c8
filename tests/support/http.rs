//! A client of a few lines: one request a connection, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The body as JSON, if the status is the expected one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The headers, if the status is the expected one.
    #[track_caller]
    pub fn expect_headers(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.body);
        &self.headers
    }
}

/// One request to be sent.
pub struct Asked<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub token: Option<&'a str>,
    pub body: Vec<u8>,
}

/// Sends a request and reads the whole answer.
pub fn ask(to: SocketAddr, asked: &Asked<'_>) -> Answer {
    ask_with(to, asked, "Accept: application/json\r\n")
}

/// The same with header lines of one's own, each with its line end.
pub fn ask_with(to: SocketAddr, asked: &Asked<'_>, headers: &str) -> Answer {
    answer(send(to, asked, headers))
}

/// Reads the whole answer.
pub fn answer(mut stream: TcpStream) -> Answer {
    let mut text = Vec::new();
    // A server that refuses a body may close before it has read it.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).expect("an answer is text");
    let (headers, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("an answer has a status"),
        headers: headers.to_owned(),
        body: body.to_owned(),
    }
}

/// Opens a stream of events; gives its lines.
pub fn listen(to: SocketAddr, path: &str, token: &str) -> impl Iterator<Item = String> + use<> {
    let asked = Asked { method: "GET", path, token: Some(token), body: Vec::new() };
    let stream = send(to, &asked, "Accept: text/event-stream\r\n");
    BufReader::new(stream).lines().map_while(Result::ok)
}

fn send(to: SocketAddr, asked: &Asked<'_>, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).expect("the server listens");
    let token =
        asked.token.map_or(String::new(), |token| format!("Authorization: OAuth {token}\r\n"));
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}{token}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        asked.method,
        asked.path,
        asked.body.len()
    );
    stream.write_all(head.as_bytes()).expect("the server reads");
    // As above: the answer may come before all is sent.
    let _ = stream.write_all(&asked.body);
    stream
}
