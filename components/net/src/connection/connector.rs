//! A connector with one time limit around name, connection and TLS together, and its own idea of how TLS may end.

use std::error::Error;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::Connection;
use tower_service::Service;

use super::goodbye::Goodbye;
use super::link::note_protocol;
use super::stand_ins::StandIns;
use crate::failure::seconds;

type BoxError = Box<dyn Error + Send + Sync>;

/// No connection within the limit.
#[derive(Debug)]
pub(crate) struct ConnectTimedOut(pub(crate) Duration);

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {}", seconds(self.0))
    }
}

impl Error for ConnectTimedOut {}

/// `C`, given up after a limit.
#[derive(Clone)]
pub(crate) struct TimedConnector<C> {
    connector: C,
    limit: Option<Duration>,
    goodbye_may_be_missing: bool,
    stand_ins: StandIns,
}

impl<C> TimedConnector<C> {
    pub(crate) fn new(
        connector: C,
        limit: Option<Duration>,
        goodbye_may_be_missing: bool,
        stand_ins: StandIns,
    ) -> Self {
        Self {
            connector,
            limit,
            goodbye_may_be_missing,
            stand_ins,
        }
    }
}

impl<C> Service<Uri> for TimedConnector<C>
where
    C: Service<Uri>,
    C::Response: Connection + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = Goodbye<C::Response>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Goodbye<C::Response>, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.connector.call(self.stand_ins.of(&uri).unwrap_or(uri));
        let limit = self.limit;
        let may_be_missing = self.goodbye_may_be_missing;
        Box::pin(async move {
            let connection = match limit {
                None => connecting.await.map_err(Into::into)?,
                Some(limit) => match tokio::time::timeout(limit, connecting).await {
                    Ok(connected) => connected.map_err(Into::into)?,
                    Err(_) => return Err(ConnectTimedOut(limit).into()),
                },
            };
            note_protocol(&connection.connected());
            Ok(Goodbye {
                connection,
                may_be_missing,
            })
        })
    }
}
