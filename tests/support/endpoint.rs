//! An HTTP server of a few lines that keeps what it was sent and answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub line: String,
    pub headers: String,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A server on a free port of loopback; it ends with the process.
pub struct Endpoint {
    pub address: SocketAddr,
    received: Receiver<Received>,
    answers: Arc<Mutex<VecDeque<String>>>,
}

impl Endpoint {
    pub fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, received) = channel();
        let answers: Arc<Mutex<VecDeque<String>>> = Arc::default();
        let told = Arc::clone(&answers);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let answer = || told.lock().unwrap().pop_front().unwrap_or_else(|| "200 OK".into());
                let received = match &tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        exchange(StreamOwned::new(connection, stream), answer)
                    }
                    None => exchange(stream, answer),
                };
                if let Some(received) = received
                    && sender.send(received).is_err()
                {
                    return;
                }
            }
        });
        Self { address, received, answers }
    }

    /// Answers the next request with that status and these header lines; without an entry: 200.
    pub fn answer(&self, status: &str) {
        self.answers.lock().unwrap().push_back(status.to_owned());
    }

    /// The next request.
    #[track_caller]
    pub fn next(&self) -> Received {
        self.received.recv_timeout(Duration::from_secs(60)).expect("a request comes")
    }

    /// Whether no request has come that was not taken.
    pub fn is_quiet(&self) -> bool {
        self.received.try_recv().is_err()
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?shop=1", self.address)
    }
}

fn exchange(stream: impl Read + Write, answer: impl Fn() -> String) -> Option<Received> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") && headers != "\r\n" {
        stream.read_line(&mut headers).ok().filter(|count| *count > 0)?;
    }
    let length = headers.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).ok()?;
    let answer = format!("HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", answer());
    let stream = stream.get_mut();
    // Who has gone away wants no answer.
    let _ = stream.write_all(answer.as_bytes());
    let _ = stream.flush();
    Some(Received {
        line: line.trim_end().to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}
