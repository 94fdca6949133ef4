//! [`Exchange`]: one request on its way through the scripted network, as a stream that is pulled.

use std::sync::Arc;
use std::time::Duration;

use background_fetch::embedder::{Clock, FetchEvent, FetchStream, NetworkError, NetworkRequest};
use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};

use super::gates::Place;
use super::log::LogLine;
use super::response::{Answer, Kind, Response};
use super::{Inner, key};

type Event = Result<FetchEvent, NetworkError>;

/// A request, and how far it is.
pub(super) struct Exchange {
    network: Arc<Inner>,
    request: NetworkRequest,
    key: String,
    /// The outages that the network had when it began: one more, and its connection is lost.
    outages: u64,
    line: LogLine,
    phase: Phase,
}

enum Phase {
    /// It has not reached the server.
    Begin,
    Upload(Upload, Response),
    Head(Response),
    Body {
        answer: Box<Answer>,
        sent: u64,
    },
    Stream(FetchStream),
    Done,
}

/// A request's body on its way up.
struct Upload {
    stream: BodyStream,
    /// Bytes that were read and not yet sent.
    rest: Bytes,
    received: u64,
}

impl Exchange {
    pub(super) fn begin(network: Arc<Inner>, request: NetworkRequest) -> FetchStream {
        let line = LogLine::begin(network.log.clone(), &request, network.clock.now());
        let exchange = Self {
            key: key(request.request.url.as_str()),
            outages: network.connectivity.look(|connectivity| connectivity.outages),
            phase: Phase::Begin,
            network,
            request,
            line,
        };
        futures::stream::unfold(exchange, Self::next).boxed()
    }

    async fn next(mut self) -> Option<(Event, Self)> {
        if matches!(self.phase, Phase::Done) {
            return None;
        }
        let event = {
            let (network, outages) = (self.network.clone(), self.outages);
            let outage = network
                .connectivity
                .until(|connectivity| connectivity.lost_since(outages).then_some(()))
                .boxed();
            // The first is asked first, always.
            match select(outage, self.step().boxed()).await {
                Either::Left(_) => None,
                Either::Right((event, _)) => Some(event),
            }
        };
        let event = event.unwrap_or_else(|| Some(Err(self.offline())));
        match &event {
            None => self.line.complete(),
            Some(Err(error)) => {
                self.line.fail(error);
                self.phase = Phase::Done;
            }
            Some(Ok(FetchEvent::Response(head))) => self.line.write(|line| line.status = Some(head.status)),
            Some(Ok(FetchEvent::Body(bytes))) => self.line.write(|line| line.sent += bytes.len() as u64),
            Some(Ok(FetchEvent::Transmitted(_) | FetchEvent::UploadResumable { .. })) => {}
        }
        event.map(|event| (event, self))
    }

    fn offline(&self) -> NetworkError {
        NetworkError::temporary(format!(
            "cannot reach {}: the device is offline",
            self.request.request.url
        ))
    }

    /// Goes on to the next event.
    async fn step(&mut self) -> Option<Event> {
        loop {
            match std::mem::replace(&mut self.phase, Phase::Done) {
                Phase::Begin => {
                    if let Some(server) = self.network.upload_server(&self.key) {
                        self.phase = Phase::Stream(server.answer(self.request.clone()));
                        continue;
                    }
                    let response = self.network.respond(&self.key, &self.request);
                    let unreached = matches!(response.kind, Kind::Error(_));
                    self.phase = match &self.request.body {
                        Some(body) if !unreached => {
                            let (stream, rest, received) = (body.open(), Bytes::new(), 0);
                            Phase::Upload(
                                Upload {
                                    stream,
                                    rest,
                                    received,
                                },
                                response,
                            )
                        }
                        _ => Phase::Head(response),
                    };
                }
                Phase::Upload(upload, response) => {
                    if let Some(event) = self.send_up(upload, response).await {
                        return Some(event);
                    }
                }
                Phase::Head(response) => {
                    if let Some(event) = self.send_head(response).await {
                        return Some(event);
                    }
                }
                Phase::Body { answer, sent } => return self.send_body(answer, sent).await,
                Phase::Stream(mut stream) => {
                    let event = stream.next().await;
                    if event.is_some() {
                        self.phase = Phase::Stream(stream);
                    }
                    return event;
                }
                Phase::Done => return None,
            }
        }
    }

    /// Sends the next step of the request's body, or goes on to the head.
    async fn send_up(&mut self, mut upload: Upload, response: Response) -> Option<Event> {
        let plan = &response.upload;
        if let Some((after, error)) = &plan.breaks
            && upload.received >= *after
        {
            return Some(Err(error.clone()));
        }
        let step = plan.step.unwrap_or(usize::MAX);
        let room = plan
            .breaks
            .as_ref()
            .map_or(u64::MAX, |(after, _)| after - upload.received);
        let wanted = usize::try_from(room).unwrap_or(usize::MAX).min(step);
        let mut bytes = bytes::BytesMut::new();
        while bytes.len() < wanted {
            if upload.rest.is_empty() {
                match upload.stream.next().await {
                    Some(Ok(more)) => upload.rest = more,
                    Some(Err(message)) => return Some(Err(NetworkError::fatal(message))),
                    None => break,
                }
            }
            let part = upload.rest.split_to(upload.rest.len().min(wanted - bytes.len()));
            bytes.extend_from_slice(&part);
            if plan.step.is_none() && !bytes.is_empty() {
                break;
            }
        }
        if bytes.is_empty() {
            self.phase = Phase::Head(response);
            return None;
        }
        self.pause(plan.delay).await;
        self.line.write(|line| line.body.extend_from_slice(&bytes));
        upload.received += bytes.len() as u64;
        let received = upload.received;
        self.phase = Phase::Upload(upload, response);
        Some(Ok(FetchEvent::Transmitted(received)))
    }

    /// Sends the head, or goes on to a stream of the test's.
    async fn send_head(&mut self, response: Response) -> Option<Event> {
        self.network.gates.pass(&self.key, Place::Head).await;
        self.pause(response.latency).await;
        match response.kind {
            Kind::Error(error) => Some(Err(error)),
            Kind::Stream(stream) => {
                self.phase = Phase::Stream(stream);
                None
            }
            Kind::Answer(answer) => Some(answer.head(&self.request).map(|head| {
                self.phase = Phase::Body { answer, sent: 0 };
                FetchEvent::Response(Box::new(head))
            })),
        }
    }

    /// Sends the next chunk, or ends the body.
    async fn send_body(&mut self, mut answer: Box<Answer>, sent: u64) -> Option<Event> {
        let position = answer.first + sent;
        self.network.gates.pass(&self.key, Place::Byte(position)).await;
        if let Some((after, duration)) = answer.stall
            && sent >= after
        {
            answer.stall = None;
            match duration {
                Some(duration) => self.pause(duration).await,
                None => std::future::pending().await,
            }
        }
        if answer.length == Some(sent) {
            return answer.error.map(Err);
        }
        self.pause(answer.chunk_delay).await;
        let limits = [
            answer.length.map(|length| length - sent),
            answer.stall.map(|(after, _)| after - sent),
            self.network.gates.room(&self.key, position),
        ];
        let chunk = limits.into_iter().flatten().fold(answer.chunk as u64, u64::min);
        let bytes = answer.body.slice(position, chunk as usize);
        let sent = sent + chunk;
        self.phase = Phase::Body { answer, sent };
        Some(Ok(FetchEvent::Body(bytes)))
    }

    /// Takes a time, and borrows nothing meanwhile.
    fn pause(&self, duration: Duration) -> impl Future<Output = ()> + use<> {
        let sleep = (!duration.is_zero()).then(|| self.network.clock.sleep(duration));
        async {
            if let Some(sleep) = sleep {
                sleep.await;
            }
        }
    }
}
