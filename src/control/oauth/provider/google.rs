//! Google's `tokeninfo`, which says to whom an access token was issued.

use guard_io::http1::Method;

use super::VouchFault;
use super::ask::Question;
use super::introspection::{Told, of_fault};
use super::json::text;
use super::remote::Remote;
use super::token::split_scopes;
use crate::config::model::FetchUrl;
use crate::metrics::ProviderCall;

impl Remote {
    /// What Google says of `token`. It is sent in a header, as Google's own libraries do: the documented way in the query would leave
    /// it in logs.
    pub(super) async fn google_info(
        &self,
        url: &FetchUrl,
        token: &str,
    ) -> Result<Told, VouchFault> {
        let question = Question::new(ProviderCall::Introspection, Method::Post, url)
            .form(&[])
            .bearer(token);
        let answer = self.ask(&question).await.map_err(of_fault)?;
        let info = match (answer.status, answer.into_object()) {
            (200, Some(info)) => info,
            (400 | 401, _) => return Err(VouchFault::Inactive("Google does not know it")),
            (status, _) => {
                let why = format!("tokeninfo: answer has status {status}; 200 is needed");
                return Err(VouchFault::Unavailable(why));
            }
        };
        if text(&info, "aud") != Some(&*self.config.client_id) {
            return Err(VouchFault::Inactive("it was issued to another client"));
        }
        let scopes = text(&info, "scope").unwrap_or_default();
        Told::read(info.clone(), split_scopes(scopes, &[' ']))
    }
}
