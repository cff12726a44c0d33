//! Segment's Profile API, read only, so that what reads profiles from Segment reads them from here.
//!
//! `/v1/spaces/{any}/collections/users/profiles/{type:id}/...` and the same of `accounts` by `group_id:X`; whatever the
//! space is called, there is one. Errors are this server's own.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::parameters::Asked;
use super::people::Emails;
use super::problem::Problem;
use super::reads::{Turn, ask, shown};
use super::routes::Action;
use super::{Site, capture};
use crate::query::address::Address;
use crate::query::profile::{self, TraitQuery};
use crate::query::{Page, QueryError};
use crate::views::identity::NodeNo;
use crate::views::snapshot::Snapshot;

/// Items of a page without `limit`.
const LIMIT_USUAL: usize = 10;

/// Answers one of the routes.
pub(super) async fn profile(
    site: &Site,
    action: Action,
    request: &HttpRequest,
    asked: &Asked,
) -> Result<HttpResponse, Problem> {
    let wanted = TraitQuery::parse(asked.text("include"), asked.text("class"))?;
    let question = Question {
        site,
        name: capture::part(request, "profile"),
        turn: Turn::new(site, request, asked).with_limit(asked.limit(LIMIT_USUAL)),
    };
    match action {
        Action::AccountTraits => {
            question.account(move |snapshot, group, page| profile::account_traits(snapshot, group, &wanted, page)).await
        }
        Action::AccountLinks => question.account(profile::account_links).await,
        Action::ProfileTraits => {
            question.user(move |snapshot, root, page| profile::user_traits(snapshot, root, &wanted, page)).await
        }
        Action::ProfileEvents => {
            question.user(move |snapshot, root, page| profile::events(snapshot, root, &wanted.include, page)).await
        }
        Action::ProfileIds => {
            question
                .user(move |snapshot, root, page| profile::external_ids(snapshot, root, &wanted.include, page))
                .await
        }
        Action::ProfileMetadata => question.user(|snapshot, root, _| profile::metadata(snapshot, root)).await,
        _ => question.user(profile::user_links).await,
    }
}

/// What is asked about one profile.
struct Question<'a> {
    site: &'a Site,
    name: String,
    turn: Turn,
}

impl Question<'_> {
    /// About a person.
    async fn user<T: Serialize + Send + 'static>(
        self,
        read: impl FnOnce(&dyn Snapshot, NodeNo, &Page<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Self { site, name, turn } = self;
        let address = Address::parse(&name)?;
        let found = ask(site, move |views| {
            views.read(|snapshot| read(snapshot, address.root(snapshot, &Emails(&views.search()))?, &turn.page()))
        });
        shown(StatusCode::OK, &found.await?)
    }

    /// About a group.
    async fn account<T: Serialize + Send + 'static>(
        self,
        read: impl FnOnce(&dyn Snapshot, &str, &Page<'_>) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Self { site, name, turn } = self;
        let group = name.strip_prefix("group_id:").ok_or(QueryError::NotFound("group"))?.to_owned();
        let found = ask(site, move |views| views.read(|snapshot| read(snapshot, &group, &turn.page())));
        shown(StatusCode::OK, &found.await?)
    }
}
