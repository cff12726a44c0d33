//! Asking the server that holds the data folder.

use std::io::Read;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::{Client, Response};
use serde::Deserialize;
use serde_json::Value;

use super::output::Failure;
use crate::app::control::Control;
use crate::relay::client::Trust;

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// The server.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client,
    control: Control,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
    code: String,
}

impl Remote {
    /// A client for this server.
    ///
    /// # Errors
    /// When no client can be made.
    pub(super) fn connect(control: Control) -> Result<Self, Failure> {
        let fail = |error: &dyn std::fmt::Display| Failure::Failed(format!("cannot make an HTTP client: {error}"));
        // It is reached without TLS; saying so spares loading the machine's certificates.
        let tls = Trust::nobody().config().map_err(|error| fail(&error))?;
        let client = Client::builder().tls_backend_preconfigured(tls).connect_timeout(CONNECT_DEADLINE).timeout(None);
        let client = client.no_proxy().build().map_err(|error| fail(&error))?;
        Ok(Self { client, control })
    }

    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        &self.control.url
    }

    /// Asks with a JSON body, or none; the answer is JSON, or null when it is empty.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub(super) fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self.client.request(method, self.address(path)).bearer_auth(self.control.token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        self.read(request.send())
    }

    /// Sends bytes; the answer is JSON.
    ///
    /// # Errors
    /// As [`Remote::ask`].
    pub(super) fn send(&self, path: &str, bytes: Vec<u8>) -> Result<Value, Failure> {
        let request = self.client.post(self.address(path)).bearer_auth(self.control.token.expose());
        self.read(request.body(bytes).send())
    }

    /// Sends calls as any sender does: whose they are says the write key in the body.
    ///
    /// # Errors
    /// As [`Remote::ask`].
    pub(super) fn call(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.read(self.client.post(self.address(path)).json(body).send())
    }

    /// Asks for something long; the answer is read as it comes.
    ///
    /// # Errors
    /// As [`Remote::ask`].
    pub(super) fn stream(&self, path: &str) -> Result<impl Read, Failure> {
        let request = self.client.get(self.address(path)).bearer_auth(self.control.token.expose());
        self.checked(request.send())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.control.url)
    }

    fn read(&self, sent: reqwest::Result<Response>) -> Result<Value, Failure> {
        let text = self.checked(sent)?.text().map_err(|error| self.unreachable(&error))?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text)
            .map_err(|_| Failure::Failed(format!("{} did not answer with JSON", self.control.url)))
    }

    fn checked(&self, sent: reqwest::Result<Response>) -> Result<Response, Failure> {
        let answer = sent.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let text = answer.text().unwrap_or_default();
        Err(match serde_json::from_str::<Problem>(&text) {
            Ok(problem) if problem.code == "journal_unreadable" => Failure::Damaged(problem.detail),
            Ok(problem) => Failure::Failed(problem.detail),
            Err(_) => Failure::Failed(format!("{} answered {status}", self.control.url)),
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = if error.is_connect() { "cannot be reached" } else { "did not answer to the end" };
        Failure::Failed(format!("the server that holds the data folder ({}) {why}", self.control.url))
    }
}
