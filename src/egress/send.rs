//! What is sent to an upstream: the headers of a request, the credential among them.

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};

use super::app::Desk;
use super::call::Call;
use super::credential::{Credential, forwarded};
use super::exchange::{Answer, Exchange};
use super::failure::Kind;
use super::token::Grant;
use super::upstream::Upstream;

impl Upstream {
    /// One request, and its answer.
    pub(super) async fn exchange(&self, call: &Call, target: &str) -> Result<Answer, Kind> {
        let token = match &self.spec.credential {
            Credential::OAuth2 { .. } | Credential::App(_) => {
                Some(Box::pin(self.fetched_token()).await?)
            }
            Credential::Forward => Some(forwarded(call.authorization.as_ref())?),
            // It is among the headers of all requests.
            Credential::None
            | Credential::Bearer { .. }
            | Credential::Basic { .. }
            | Credential::Header { .. } => None,
        };
        let exchange = Exchange {
            clients: &self.shared.clients,
            base: &self.base,
            allow_hosts: &self.spec.allow_hosts,
            max_bytes: self.spec.limits.max_bytes,
            method: &call.method,
            headers: &|| self.headers(call, token.as_ref()),
            body: call.body.as_ref(),
        };
        let answer = exchange.run(target.to_owned()).await?;
        if let Some(token) = token.filter(|_| answer.status == 401) {
            match &self.installation {
                Some(installation) => installation.refused(&token),
                None => self.standing.token.refused(&token),
            }
        }
        Ok(answer)
    }

    /// A token that had to be asked for, now or before.
    async fn fetched_token(&self) -> Result<HeaderValue, Kind> {
        match &self.spec.credential {
            Credential::OAuth2 {
                token_url,
                client_id,
                client_secret,
                scopes,
            } => {
                let grant = Grant {
                    clients: &self.shared.clients,
                    token_url,
                    client_id,
                    client_secret,
                    scopes,
                };
                self.standing.token.header(grant.fetch()).await
            }
            Credential::App(identity) => {
                let (Some(app), Some(installation)) = (&self.app, &self.installation) else {
                    return Err(Kind::Unauthorized { status: None });
                };
                let desk = Desk {
                    clients: &self.shared.clients,
                    clock: &self.shared.clock,
                    identity,
                    app,
                    limits: &self.spec.limits,
                };
                installation.header(desk).await
            }
            Credential::None
            | Credential::Bearer { .. }
            | Credential::Basic { .. }
            | Credential::Header { .. }
            | Credential::Forward => Err(Kind::Unauthorized { status: None }),
        }
    }

    /// All headers of a request: those of the source go before the call's.
    fn headers(&self, call: &Call, token: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = self.headers.clone();
        for (name, value) in &call.headers {
            if !self.headers.contains_key(name) {
                headers.append(name, value.clone());
            }
        }
        for (name, value) in [
            (IF_NONE_MATCH, &call.validators.etag),
            (IF_MODIFIED_SINCE, &call.validators.last_modified),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        headers
    }
}
