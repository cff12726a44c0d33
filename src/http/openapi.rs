//! The routes as OpenAPI 3.1, made from the table of routes and the table of parameters, and as pages to read and try.
//!
//! The pages are built into the program and load nothing from elsewhere.

mod answers;
mod shapes;

use std::io::Read as _;
use std::sync::{Arc, OnceLock};

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::parameters::{Form, Parameter};
use super::problem::Problem;
use super::routes::{Action, Offer, ROUTES, Right, Route, Surface};
use answers::{Content, operation, refusals};

/// What the pages may load: only this server.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' \
    data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document.
pub(super) fn document() -> HttpResponse {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| Bytes::from(written().to_string()));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(text.clone())
}

/// A file of the pages.
pub(super) fn page(request: &HttpRequest, file: &str) -> Result<HttpResponse, Problem> {
    let config = utoipa_swagger_ui::Config::new(["/openapi.json"]).validator_url("none").try_it_out_enabled(true);
    let found = utoipa_swagger_ui::serve(file, Arc::new(config)).map_err(|_| Problem::Failed)?;
    let found = found.ok_or(Problem::NotFound)?;
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, found.content_type))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY));
    if file == "index.html" {
        // It names its parts beside itself, and a page without a slash at its end has no inside.
        let text = String::from_utf8(plain(&found.bytes, found.gzpipped)?).map_err(|_| Problem::Failed)?;
        let text = text.replace("\"./", "\"/docs/").replace("\"index.css", "\"/docs/index.css");
        return Ok(answer.body(text));
    }
    let takes_gzip = request.headers().get(header::ACCEPT_ENCODING).is_some_and(|value| {
        value.to_str().is_ok_and(|text| text.split(',').any(|one| one.trim().starts_with("gzip")))
    });
    if found.gzpipped && takes_gzip {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(answer.body(found.bytes.into_owned()));
    }
    Ok(answer.body(plain(&found.bytes, found.gzpipped)?))
}

fn plain(bytes: &[u8], is_packed: bool) -> Result<Vec<u8>, Problem> {
    if !is_packed {
        return Ok(bytes.to_vec());
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).map_err(|_| Problem::Failed)?;
    Ok(text)
}

fn written() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let methods = route.offers.iter().map(|offer| (offer.verb.as_str().to_lowercase(), method(route, *offer)));
        paths.insert(shown_path(route), Value::Object(methods.collect()));
    }
    let shapes: Map<String, Value> = shapes::all().into_iter().map(|(name, shape)| (name, json!(shape))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Roundtower",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Takes Segment calls, keeps each as one durable record, and answers questions about people, \
                groups and events computed from them.",
        },
        "paths": paths,
        "components": {
            "schemas": shapes,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "token_as_user": {"type": "http", "scheme": "basic", "description": "The token as user name."},
                "session": {"type": "apiKey", "in": "cookie", "name": "roundtower_session", "description":
                    "The cookie of POST /api/session. Changes also need an Origin of this server."},
                "write_key": {"type": "http", "scheme": "basic", "description": "The write key as user name."},
            },
        },
    })
}

/// The path as OpenAPI writes it.
fn shown_path(route: &Route) -> String {
    route.path.replace(":.*}", "}")
}

fn method(route: &Route, offer: Offer) -> Value {
    let told = operation(offer.action);
    let tag = match route.path {
        _ if route.surface == Surface::Ingest => "ingest",
        path if path.starts_with("/api/") => path.split('/').nth(2).unwrap_or_default(),
        path if path.starts_with("/v1/") => "profiles",
        _ if matches!(offer.action, Action::Page | Action::PagePart) => "dashboard",
        _ => "server",
    };
    let in_path = route.path.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next()).map(
        |name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}),
    );
    let in_query = offer.action.parameters().iter().map(|parameter| in_query(parameter));
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut responses = Map::new();
    responses.insert(told.status.to_string(), answer("As asked.", told.answer));
    for status in refusals(route, offer) {
        responses.insert(status.to_string(), refusal(route, offer, status));
    }
    let mut method = json!({
        "operationId": name(route, offer),
        "summary": told.summary,
        "tags": [tag],
        "parameters": parameters,
        "responses": responses,
        "security": security(route, offer),
    });
    if let (Some(members), true) = (method.as_object_mut(), told.body != Content::Empty) {
        let mut body = answer("", told.body);
        if let Some(body) = body.as_object_mut() {
            body.shift_remove("description");
            body.insert("required".to_owned(), json!(true));
        }
        members.insert("requestBody".to_owned(), body);
    }
    method
}

/// A name that is unique and speaks: `get_api_people_person_timeline`.
fn name(route: &Route, offer: Offer) -> String {
    let words = route.path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(offer.verb.as_str().to_lowercase(), |name, word| name + "_" + word)
}

fn security(route: &Route, offer: Offer) -> Value {
    match offer.right {
        Right::Open if route.surface == Surface::Ingest => json!([{}, {"write_key": []}]),
        Right::Open => json!([{}, {"token": []}, {"session": []}]),
        Right::Token(_) | Right::Metrics => json!([{"token": []}, {"session": []}]),
        Right::Profile => json!([{"token_as_user": []}, {"token": []}, {"session": []}]),
    }
}

fn in_query(parameter: &Parameter) -> Value {
    let schema = match parameter.form {
        Form::Text => json!({"type": "string", "minLength": 1, "maxLength": 256}),
        Form::Words => json!({"type": "string", "maxLength": 256}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Time => json!({"type": "string", "format": "date-time"}),
        Form::Limit(max) => json!({"type": "integer", "minimum": 1, "maximum": max}),
        Form::Sequence => json!({"type": "integer", "minimum": 1}),
        Form::Choice(all) => json!({"type": "string", "enum": all}),
        Form::Trait => {
            // A family of names: an object whose members stand in the query by their own names.
            return json!({
                "name": "trait",
                "in": "query",
                "description": parameter.about,
                "style": "form",
                "explode": true,
                "schema": {
                    "type": "object",
                    "patternProperties": {"^trait\\..+$": {"type": "string"}},
                    "additionalProperties": false,
                    "maxProperties": 16,
                },
            });
        }
    };
    json!({"name": parameter.name, "in": "query", "description": parameter.about, "schema": schema})
}

fn answer(about: &str, content: Content) -> Value {
    let content = match content {
        Content::Empty => return json!({"description": about}),
        Content::Json(shape) => {
            let shape = format!("#/components/schemas/{shape}");
            json!({"application/json": {"schema": {"$ref": shape}}})
        }
        Content::AnyJson => json!({"application/json": {"schema": {"type": "object"}}}),
        Content::Files => json!({
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        }),
        Content::Other(media) => {
            let mut all = Map::new();
            all.insert(media.to_owned(), json!({"schema": {"type": "string"}}));
            Value::Object(all)
        }
    };
    json!({"description": about, "content": content})
}

fn refusal(route: &Route, offer: Offer, status: u16) -> Value {
    let about = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let schema = |media: &str, shape: &str| {
        let mut content = Map::new();
        content.insert(media.to_owned(), json!({"schema": {"$ref": format!("#/components/schemas/{shape}")}}));
        json!({"description": about, "content": content})
    };
    match (route.surface, offer.action) {
        (Surface::Ingest, super::routes::Action::Pixel(_)) => answer(about, Content::Other("image/gif")),
        (Surface::Ingest, _) => schema("application/json", "SenderError"),
        (Surface::Control, super::routes::Action::Alive | super::routes::Action::Ready) if status == 503 => {
            answer(about, Content::AnyJson)
        }
        (Surface::Control, _) => schema("application/problem+json", "Problem"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_and_method_is_in_the_document_once() {
        let document = written();
        let mut names = BTreeSet::new();
        for route in ROUTES {
            for offer in route.offers {
                let found = &document["paths"][shown_path(route)][offer.verb.as_str().to_lowercase()];
                assert!(found.is_object(), "{} {}", offer.verb.as_str(), route.path);
                assert!(names.insert(found["operationId"].clone().to_string()), "{}", found["operationId"]);
                assert!(!found["summary"].as_str().unwrap().is_empty());
            }
        }
        assert_eq!(document["paths"].as_object().unwrap().len(), ROUTES.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = written();
        let text = document.to_string();
        let names = text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        let names: BTreeSet<&str> = names.collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(document["components"]["schemas"][name].is_object(), "{name} is not described");
        }
    }

    #[test]
    fn every_documented_refusal_can_be_made() {
        let possible = Problem::statuses();
        for route in ROUTES.iter().filter(|route| route.surface == Surface::Control) {
            for offer in route.offers {
                for status in refusals(route, *offer) {
                    assert!(possible.contains(&status), "{status} of {} {}", offer.verb.as_str(), route.path);
                }
            }
        }
    }
}
