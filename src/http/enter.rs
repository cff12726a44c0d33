//! The way in: one function for every request, driven by the table of routes. What the table does not allow is refused.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt as _;

use super::guard::Connection;
use super::parameters::Asked;
use super::problem::Problem;
use super::rights::Caller;
use super::routes::{Action, Offer, ROUTES, Route, Surface, is_for_senders};
use super::strays::Stray;
use super::{
    REQUEST_ID, Site, answer, capture, charts, control, cors, debugger, erase, feed, files, groups, health, history,
    live, merges, openapi, people, profiles, reads, receipt, records, relay, rights, sdk, session, source_test, strays,
};

/// Largest head of a request: names and values of its headers together, in bytes.
const HEADERS_BYTES_MAX: usize = 16 * 1024;
/// Longest path with query, in bytes. A pixel carries a whole message in it.
const URL_BYTES_MAX: usize = 16 * 1024;
/// Pages from here run nothing, load nothing and are shown in no frame.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Registers every spelling of every route, and the answer for everything else.
pub(super) fn register(config: &mut web::ServiceConfig, site: &Arc<Site>) {
    let spellings: Vec<(&'static Route, Vec<String>)> = ROUTES.iter().map(|route| (route, route.spellings())).collect();
    let longest = spellings.iter().map(|(_, all)| all.len()).max().unwrap_or_default();
    // The usual spelling of every route before the first unusual one: paths are compared in order.
    for nth in 0..longest {
        for (route, all) in &spellings {
            let (route, site) = (*route, Arc::clone(site));
            if let Some(path) = all.get(nth) {
                config.service(web::resource(path.as_str()).to(move |request: HttpRequest, payload: web::Payload| {
                    enter(Some(route), Arc::clone(&site), request, payload)
                }));
            }
        }
    }
    let site = Arc::clone(site);
    config.default_service(web::to(move |request: HttpRequest, payload: web::Payload| {
        enter(None, Arc::clone(&site), request, payload)
    }));
}

async fn enter(
    route: Option<&'static Route>,
    site: Arc<Site>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let connection = request.conn_data::<Rc<Connection>>().cloned();
    if let Some(connection) = &connection {
        connection.begin();
    }
    let surface = match route {
        Some(route) => route.surface,
        None if is_for_senders(request.path()) => Surface::Ingest,
        None => Surface::Control,
    };
    let mut answer = match surface {
        Surface::Ingest => {
            let work = AssertUnwindSafe(for_senders(route, &site, &request, payload)).catch_unwind();
            let answer = work.await.unwrap_or_else(|_| {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                strays::turn_away(&site, &request, status, Stray::InternalError, "The request failed here")
            });
            cors::open(&request, answer)
        }
        Surface::Control => {
            let id = site.request_ids.next();
            let work = AssertUnwindSafe(for_operators(route, &site, &request, payload)).catch_unwind();
            let answer = work.await.unwrap_or(Err(Problem::Failed)).unwrap_or_else(|problem| problem.answer(&id));
            protect(answer, &id)
        }
    };
    site.meters.count(surface, answer.status().as_u16());
    if site.stopping.load(Ordering::Relaxed) {
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
    if let Some(connection) = &connection {
        connection.finish();
    }
    answer
}

async fn for_senders(
    route: Option<&'static Route>,
    site: &Site,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    if let Some(status) = oversized(request) {
        let stray = if status == StatusCode::URI_TOO_LONG { Stray::UrlTooLong } else { Stray::HeadersTooLarge };
        return strays::turn_away(site, request, status, stray, "The head of the request is too large");
    }
    if request.method() == Method::OPTIONS {
        return cors::preflight(request);
    }
    let Some(route) = route else { return nothing_here(site, request) };
    let Some(offer) = offer(route, request.method()) else {
        let allow = route.allow();
        let (status, words) = (StatusCode::METHOD_NOT_ALLOWED, format!("This route takes {allow}"));
        let mut answer = strays::turn_away(site, request, status, Stray::MethodNotAllowed, &words);
        if let Ok(allow) = HeaderValue::from_str(&allow) {
            answer.headers_mut().insert(header::ALLOW, allow);
        }
        return answer;
    };
    match offer.action {
        Action::Take(target) => capture::take(site, request, payload, target).await,
        // A HEAD only asks whether the image is there; nothing happened that could be recorded.
        Action::Pixel(_) if request.method() == Method::HEAD => answer::image(StatusCode::OK),
        Action::Pixel(kind) => capture::pixel(site, request, kind).await,
        Action::Discard => capture::discard(site, request, payload).await,
        Action::Settings => sdk::settings(site, request),
        Action::Script => sdk::script(site, request),
        Action::ScriptPart => sdk::part(request),
        _ => nothing_here(site, request),
    }
}

async fn for_operators(
    route: Option<&'static Route>,
    site: &Arc<Site>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    match oversized(request) {
        Some(StatusCode::URI_TOO_LONG) => return Err(Problem::LongUrl { bytes_max: URL_BYTES_MAX }),
        Some(_) => return Err(Problem::LargeHead { bytes_max: HEADERS_BYTES_MAX }),
        None => {}
    }
    if !site.hosts.allows(request) {
        return Err(Problem::Misdirected);
    }
    let route = route.ok_or(Problem::NotFound)?;
    let offer = offer(route, request.method()).ok_or_else(|| Problem::MethodNotAllowed { allow: route.allow() })?;
    let caller = rights::authorize(site, request, *offer)?;
    let asked = if is_strict(route) { Asked::read(request, offer.action)? } else { Asked::default() };
    reads::fresh(site, &asked).await?;
    if let Some(answer) = of_views(offer.action, site, request, &asked).await {
        return answer.map(|answer| rights::while_known(site, caller, answer));
    }
    if let Some(answer) = of_watching(offer.action, site, request, &asked).await {
        return answer;
    }
    if let Some(answer) = of_page(offer.action, site, request, caller.as_ref()).await {
        return answer;
    }
    match offer.action {
        Action::BeginSession => session::begin(site, request, payload).await,
        Action::Alive => Ok(health::alive(site)),
        Action::Ready => health::ready(site).await,
        Action::Status => health::status(site, caller.is_some()).await,
        Action::Metrics => health::metrics(site).await,
        Action::Rejections => records::rejections(site, request),
        Action::PreviewMerge => merges::preview(site, request, payload).await,
        Action::Merge => merges::merge(site, request, payload).await,
        Action::UndoMerge => merges::undo(site, request).await,
        Action::PutEvent => feed::put_event(site, request, payload).await,
        Action::Description => Ok(openapi::document()),
        Action::Docs => openapi::page(request, "index.html"),
        Action::DocsPart => openapi::page(request, request.match_info().get("file").unwrap_or_default()),
        Action::Redeliver => relay::redeliver(site, request, payload).await,
        Action::Export => records::export(site, request),
        Action::Import => records::import(site, request, payload).await,
        Action::Verify => records::verify(site).await,
        Action::ListSources => control::list_sources(site).await,
        Action::AddSource => control::add_source(site, request, payload).await,
        Action::PatchSource => control::patch_source(site, request, payload).await,
        Action::RotateSource => control::rotate_source(site, request).await,
        Action::ListTokens => Ok(control::list_tokens(site)),
        Action::AddToken => control::add_token(site, request, payload).await,
        Action::PatchToken => control::patch_token(site, request, payload).await,
        Action::RotateToken => control::rotate_token(site, request).await,
        Action::RevokeToken => control::revoke_token(site, request).await,
        _ => Err(Problem::NotFound),
    }
}

/// Probes and pages take whatever query string somebody adds; questions are refused what they do not know.
fn is_strict(route: &Route) -> bool {
    ["/api/", "/v1/"].iter().any(|prefix| route.path.starts_with(prefix))
}

/// What is read from the views.
async fn of_views(
    action: Action,
    site: &Arc<Site>,
    request: &HttpRequest,
    asked: &Asked,
) -> Option<Result<HttpResponse, Problem>> {
    Some(match action {
        Action::People => people::list(site, request, asked).await,
        Action::CountPeople => people::count(site, asked).await,
        Action::Person => people::person(site, request, asked).await,
        Action::Erase => erase::erase(site, request, asked).await,
        Action::Erasures => Ok(erase::list(site)),
        Action::Find => receipt::find(site, request, asked).await,
        Action::Rejections => records::rejections(site, request),
        Action::Timeline => people::timeline(site, request, asked).await,
        Action::Activity => charts::activity(site, request, asked).await,
        Action::Identity => people::identity(site, request, asked).await,
        Action::Traits => people::traits(site, request, asked).await,
        Action::Groups => groups::list(site, request, asked).await,
        Action::Group => groups::group(site, request).await,
        Action::GroupPeople => groups::people(site, request, asked).await,
        Action::GroupTimeline => groups::timeline(site, request, asked).await,
        Action::Audiences => groups::audiences(site, request, asked).await,
        Action::AudienceHistory => charts::audience(site, request, asked).await,
        Action::Feed => feed::feed(site, request, asked).await,
        Action::Live => live::live(site, request, asked).await,
        Action::Events => feed::events(site, request, asked).await,
        Action::Stats => feed::stats(site, asked).await,
        Action::ExportPeople => files::people(site, request, asked).await,
        Action::ExportGroups => files::groups(site, request, asked).await,
        Action::ExportFeed => files::feed(site, request, asked).await,
        Action::ProfileTraits
        | Action::ProfileEvents
        | Action::ProfileIds
        | Action::ProfileMetadata
        | Action::ProfileLinks
        | Action::AccountTraits
        | Action::AccountLinks => profiles::profile(site, action, request, asked).await,
        _ => return None,
    })
}

/// The page, and who looks at it.
async fn of_page(
    action: Action,
    site: &Arc<Site>,
    request: &HttpRequest,
    caller: Option<&Caller>,
) -> Option<Result<HttpResponse, Problem>> {
    Some(match (action, caller) {
        (Action::Page, _) => site.pages.page(request),
        (Action::PagePart, _) => site.pages.part(request),
        (Action::GetSession, Some(caller)) => Ok(session::get(site, request, caller)),
        (Action::EndSession, _) => session::end(site, request).await,
        _ => return None,
    })
}

/// Calls as they come, numbers over time, and the relay. Of its orders only the one to deliver again has a body.
async fn of_watching(
    action: Action,
    site: &Arc<Site>,
    request: &HttpRequest,
    asked: &Asked,
) -> Option<Result<HttpResponse, Problem>> {
    Some(match action {
        Action::LiveCalls => debugger::live(site, request, asked),
        Action::History => history::shown(site, asked).await,
        Action::TestSource => source_test::send(site, request).await,
        Action::Destinations => relay::list(site).await,
        Action::Destination => relay::destination(site, request).await,
        Action::Deliveries => relay::deliveries(site, request, asked).await,
        Action::PauseRelay => relay::pause(site, request).await,
        Action::ResumeRelay => relay::resume(site, request).await,
        _ => return None,
    })
}

fn offer(route: &'static Route, method: &Method) -> Option<&'static Offer> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    route.offers.iter().find(|offer| offer.verb.as_str() == method.as_str())
}

fn oversized(request: &HttpRequest) -> Option<StatusCode> {
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > URL_BYTES_MAX {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    (bytes > HEADERS_BYTES_MAX).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

fn nothing_here(site: &Site, request: &HttpRequest) -> HttpResponse {
    let words = "There is nothing here; tracking routes begin with /v1";
    strays::turn_away(site, request, StatusCode::NOT_FOUND, Stray::NotFound, words)
}

fn protect(mut answer: HttpResponse, request_id: &str) -> HttpResponse {
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    }
    // A browser that asks by cookie must not keep what somebody else could look at later.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    answer
}
