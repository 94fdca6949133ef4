//! A stream of a realm, read from another thread: as the body of an upload is.

use std::cell::RefCell;
use std::rc::Rc;

use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::{Either, poll_fn, select};
use futures::{SinkExt, StreamExt};

use super::read::{Read, Reader, bytes_of};
use super::{ByteStream, Failure, ReadableStream};
use crate::engine::{Cx, Root, Slots, Value};
use crate::realm::Realm;
use crate::webidl::Fallible;

/// Why a stream gave no more, as a value of scripts: for who gave its bytes to another thread, which is told a sentence.
#[derive(Clone, Debug, Default)]
pub struct EndReason(Rc<RefCell<Option<Root>>>);

impl EndReason {
    /// The reason; none where it did not end with an error.
    pub fn take(&self) -> Option<Root> {
        self.0.take()
    }

    fn set<'js>(&self, cx: &Cx<'js>, reason: &Value<'js>) {
        self.0.replace(Some(cx.root(reason)));
    }
}

impl<'js> ReadableStream<'js> {
    /// Its bytes, for any thread. It is locked, and read from as they are asked for; where they are dropped before its end it
    /// is cancelled.
    ///
    /// # Errors
    ///
    /// A TypeError where it is locked.
    pub fn chunks(&self, cx: &Cx<'js>, end: EndReason) -> Fallible<'js, BodyStream> {
        let reader = self.reader(cx)?;
        let rooted = cx.root(&reader.value());
        let (mut sender, receiver) = mpsc::channel(0);
        // Dropped with the receiver.
        let (wanted, mut unwanted) = oneshot::channel::<()>();
        let realm = Rc::downgrade(&Realm::of(cx));
        let pump = async move {
            loop {
                let (told, tells) = oneshot::channel();
                let asked = realm.upgrade().and_then(|realm| {
                    realm.run_task(|cx| {
                        Reader::of_value(&rooted.get(cx)).map(|reader| ask(cx, &reader, told, end.clone()))
                    })
                });
                if asked.is_none() {
                    return;
                }
                let chunk = match select(tells, &mut unwanted).await {
                    Either::Left((Ok(Some(chunk)), _)) => chunk,
                    Either::Left(_) => return,
                    Either::Right(_) => break,
                };
                let is_last = chunk.is_err();
                // Not on before it was taken.
                let is_wanted = sender.feed(chunk).await.is_ok()
                    && poll_fn(|context| sender.poll_ready(context)).await.is_ok();
                match (is_last, is_wanted) {
                    (true, _) => return,
                    (false, true) => {}
                    (false, false) => break,
                }
            }
            if let Some(realm) = realm.upgrade() {
                realm.run_task(|cx| {
                    let reason = cx.type_error("nobody reads the rest").0;
                    // It is over either way.
                    let _ = Reader::of_value(&rooted.get(cx)).map(|reader| reader.cancel(cx, &reason));
                });
            }
        };
        Realm::of(cx).spawn(pump);
        let bytes = receiver.inspect(move |_| {
            let _is_held = &wanted;
        });
        Ok(bytes.boxed())
    }
}

/// Bytes of a realm, for any thread: they are pulled as they are asked for, and dropped with what this gives.
pub(crate) fn to_any_thread(cx: &Cx<'_>, mut bytes: ByteStream, end: EndReason) -> BodyStream {
    let (mut sender, receiver) = mpsc::channel(0);
    // Dropped with the receiver.
    let (wanted, mut unwanted) = oneshot::channel::<()>();
    let realm = Rc::downgrade(&Realm::of(cx));
    let pump = async move {
        loop {
            let chunk = match select(bytes.next(), &mut unwanted).await {
                Either::Left((Some(chunk), _)) => chunk,
                _ => return,
            };
            let chunk = chunk.map_err(|failure| match failure {
                Failure::Exception(exception) => exception.message,
                Failure::Value(reason) => {
                    let text = realm.upgrade().and_then(|realm| {
                        realm.run_task(|cx| {
                            let reason = reason.get(cx);
                            end.set(cx, &reason);
                            sentence(cx, &reason)
                        })
                    });
                    text.unwrap_or_else(|| "the stream is errored".to_owned())
                }
            });
            // Not on before it was taken.
            let is_wanted = sender.feed(chunk).await.is_ok()
                && poll_fn(|context| sender.poll_ready(context)).await.is_ok();
            if !is_wanted {
                return;
            }
        }
    };
    Realm::of(cx).spawn(pump);
    let chunks = receiver.inspect(move |_| {
        let _is_held = &wanted;
    });
    chunks.boxed()
}

type Told = oneshot::Sender<Option<Result<Bytes, String>>>;

/// Asks for a chunk, and tells of it.
fn ask<'js>(cx: &Cx<'js>, reader: &Reader<'js>, told: Told, end: EndReason) {
    let asked = reader.read(
        cx,
        Slots::default(),
        Box::new(move |cx, _, read| {
            let chunk = match read {
                Read::Chunk(chunk) => match bytes_of(cx, &chunk) {
                    Ok(bytes) => Some(Ok(Bytes::from(bytes))),
                    Err(error) => Some(Err(sentence(cx, &error.to_value(cx)))),
                },
                Read::Close => None,
                Read::Error(reason) => {
                    end.set(cx, &reason);
                    Some(Err(sentence(cx, &reason)))
                }
            };
            // The future is gone with the realm.
            let _ = told.send(chunk);
        }),
    );
    // What cannot be asked tells nothing: the sender is dropped.
    drop(asked);
}

/// A reason, for whoever has no values of scripts.
fn sentence<'js>(cx: &Cx<'js>, reason: &Value<'js>) -> String {
    reason
        .to_text(cx)
        .unwrap_or_else(|_| "the stream is errored".to_owned())
}
