//! A stream of a realm, read from another thread: as the body of an upload is.

use std::rc::Rc;

use background_fetch::fetch::BodyStream;
use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::{Either, poll_fn, select};
use futures::{SinkExt, StreamExt};

use super::ReadableStream;
use super::read::{Read, Reader, bytes_of};
use crate::engine::{Cx, Slots, Value};
use crate::realm::Realm;
use crate::webidl::Fallible;

impl<'js> ReadableStream<'js> {
    /// Its bytes, for any thread. It is locked, and read from as they are asked for; where they are dropped before its end it
    /// is cancelled.
    ///
    /// # Errors
    ///
    /// A TypeError where it is locked.
    pub fn chunks(&self, cx: &Cx<'js>) -> Fallible<'js, BodyStream> {
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
                    realm
                        .run_task(|cx| Reader::of_value(&rooted.get(cx)).map(|reader| ask(cx, &reader, told)))
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

type Told = oneshot::Sender<Option<Result<Bytes, String>>>;

/// Asks for a chunk, and tells of it.
fn ask<'js>(cx: &Cx<'js>, reader: &Reader<'js>, told: Told) {
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
                Read::Error(reason) => Some(Err(sentence(cx, &reason))),
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
