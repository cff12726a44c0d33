//! The dashboard as the program serves it: the page, how it gets into the program, and who is logged in.

mod build;
mod page;
mod session;

use crate::support::{Answer, TestServer};

/// Asks for a session as the page does.
pub(super) fn ask_in(server: &TestServer, token: &str) -> Answer {
    let origin = server.url("");
    let body = serde_json::json!({"token": token}).to_string();
    server.request("POST", "/api/session", &[("Origin", origin.as_str())], body)
}

/// Logs in; returns what the browser sends from then on as `Cookie`.
pub(super) fn log_in(server: &TestServer, token: &str) -> String {
    let answer = ask_in(server, token);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.header("set-cookie").expect("a cookie");
    cookie.split(';').next().expect("a name and a value").to_owned()
}
