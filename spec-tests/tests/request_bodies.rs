//! The bodies of the requests of `fetch()`: step 8.8, and what becomes of them.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use background_fetch::BackgroundFetchFailureReason::{self, BadStatus};
use background_fetch::ExceptionName::{AbortError, QuotaExceededError, TypeError, UnknownError};
use background_fetch::api::{RequestInfo, RequestObject};
use background_fetch::embedder::{Policies, Storage, StorageErrorKind};
use background_fetch::fetch::RequestBody;
use background_fetch_sim::{Resource, StorageOperation, pattern};
use background_fetch_storage::MemoryStorage;
use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc;
use http::Method;
use spec_tests::{SUCCESS, Site, assert_rejected, failure, post, progress, request, tell};

/// A body of these chunks, then perhaps an error.
fn chunks(chunks: &[&'static str], error: Option<&str>) -> RequestBody {
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
        .chain(error.map(|error| Err(error.to_owned())))
        .collect();
    RequestBody::Stream(futures::stream::iter(chunks).boxed())
}

/// A body that never ends, and counts the others that were dropped.
fn endless(dropped: &Arc<AtomicUsize>) -> RequestBody {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let counted = Counted(Arc::clone(dropped));
    let first = futures::stream::iter([Ok(Bytes::from_static(b"first bytes"))]);
    RequestBody::Stream(
        first
            .chain(futures::stream::pending())
            .inspect(move |_| {
                let _ = &counted;
            })
            .boxed(),
    )
}

fn upload(path: &str, body: impl Into<RequestBody>) -> RequestObject {
    RequestObject::with_body(post(&format!("https://site.example/{path}")), body)
}

fn stream(path: &str, body: RequestBody) -> RequestObject {
    RequestObject {
        body: Some(body),
        ..RequestObject::new(post(&format!("https://site.example/{path}")))
    }
}

#[test]
fn bodies_of_every_kind_are_stored_counted_and_sent() {
    tell(async |site| {
        for path in ["bytes", "stream", "empty", "none", "holes"] {
            site.serve_pattern(path, 10);
        }
        let none = RequestObject::new(post("https://site.example/none"));
        let requests = [
            upload("bytes", "some bytes"),
            stream("stream", chunks(&["in ", "three ", "chunks"], None)),
            upload("empty", ""),
            none,
            stream("holes", chunks(&["", "a", "", "b", ""], None)),
        ];
        let registration = site
            .manager()
            .fetch("id", requests, Default::default())
            .await
            .unwrap();
        assert_eq!(registration.upload_total(), 10 + 15 + 2);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!(registration.uploaded(), 27);
        let sent = |path: &str| {
            let log = site.world.network.log_of(format!("https://site.example/{path}"));
            assert_eq!(log.len(), 1, "{path} is sent once");
            log[0].body.to_vec()
        };
        assert_eq!(sent("bytes"), b"some bytes");
        assert_eq!(sent("stream"), b"in three chunks");
        assert_eq!(sent("empty"), b"");
        assert_eq!(sent("none"), b"");
        assert_eq!(sent("holes"), b"ab");
    });
}

#[test]
fn the_promise_waits_for_the_last_byte_of_a_stream() {
    tell(async |site| {
        site.serve_pattern("a", 10);
        let (sender, body) = mpsc::unbounded();
        let body = RequestBody::Stream(
            body.map(|part: &str| Ok(Bytes::copy_from_slice(part.as_bytes())))
                .boxed(),
        );
        let mut pending = site
            .manager()
            .fetch("id", [stream("a", body)], Default::default());
        for part in ["one", "two"] {
            sender.unbounded_send(part).unwrap();
            site.world.stalled().await;
            assert!(futures::poll!(&mut pending).is_pending());
        }
        assert_eq!(site.usage().await, 6, "what came is stored at once");
        assert_eq!(site.world.network.log(), []);
        drop(sender);
        let registration = pending.await.unwrap();
        assert_eq!(registration.upload_total(), 6);
        assert_eq!(site.settled(&registration).await, SUCCESS);
    });
}

#[test]
fn a_body_that_fails_rejects_and_cancels_the_other_bodies() {
    tell(async |site| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let requests = [
            RequestInfo::from("no body"),
            stream("endless", endless(&dropped)).into(),
            stream("fails", chunks(&["half of it"], Some("the script threw"))).into(),
            stream("endless too", endless(&dropped)).into(),
            upload("whole", "whole").into(),
        ];
        let refused = site.manager().fetch("id", requests, Default::default()).await;
        assert_rejected(
            refused,
            TypeError,
            &["request 2", "https://site.example/fails", "the script threw"],
        );
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
        site.assert_nothing_stored().await;
        assert_eq!(site.world.network.log(), []);
        assert_eq!(site.manager().get("id").await.unwrap(), None, "the queue goes on");
    });
}

#[test]
fn bodies_over_the_quota_reject() {
    for seed in spec_tests::SEEDS {
        let site = Site::new(seed, Policies::default(), MemoryStorage::new(100));
        site.world.run(async {
            site.open().await;
            let dropped = Arc::new(AtomicUsize::new(0));
            let requests = [
                upload("a", vec![b'a'; 60]),
                upload("b", vec![b'b'; 60]),
                stream("c", endless(&dropped)),
            ];
            let refused = site.manager().fetch("id", requests, Default::default()).await;
            assert_rejected(
                refused,
                QuotaExceededError,
                &["https://site.example", "100 bytes"],
            );
            assert_eq!(dropped.load(Ordering::Relaxed), 1);
            site.assert_nothing_stored().await;
            site.serve_pattern("a", 0);
            let fits = [upload("a", vec![b'a'; 100])];
            let registration = site
                .manager()
                .fetch("id", fits, Default::default())
                .await
                .unwrap();
            assert_eq!(
                site.settled(&registration).await,
                SUCCESS,
                "all of it is not over it"
            );
            site.close().await;
        });
    }
}

#[test]
fn a_storage_that_fails_while_bodies_are_stored_rejects() {
    for operation in [StorageOperation::Stage, StorageOperation::Append] {
        tell(async |site| {
            let second = site.world.storage.calls(operation) + 2;
            site.world.storage.fail(operation, second, StorageErrorKind::Io);
            let requests = [upload("a", "a"), upload("b", "b"), upload("c", "c")];
            let refused = site.manager().fetch("id", requests, Default::default()).await;
            assert_rejected(refused, UnknownError, &[]);
            assert_eq!(site.usage().await, 0);
            let calls = |operation| site.world.storage.calls(operation);
            let failed = usize::from(operation == StorageOperation::Stage);
            assert_eq!(
                calls(StorageOperation::Stage) - failed,
                calls(StorageOperation::Discard)
            );
            assert_eq!(site.storage.load().await.unwrap(), []);
        });
    }
}

#[test]
fn a_failed_creation_discards_the_bodies() {
    tell(async |site| {
        site.world
            .storage
            .fail_next(StorageOperation::Create, StorageErrorKind::Io);
        let refused = site
            .manager()
            .fetch("id", [upload("a", "body")], Default::default())
            .await;
        assert_rejected(refused, UnknownError, &[]);
        let calls = |operation| site.world.storage.calls(operation);
        assert_eq!(
            (calls(StorageOperation::Stage), calls(StorageOperation::Discard)),
            (1, 1)
        );
        assert_eq!(site.usage().await, 0);
    });
}

#[test]
fn clearing_the_registration_ends_a_body_that_never_ends() {
    tell(async |site| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let endless = stream("endless", endless(&dropped));
        let pending = site.manager().fetch("id", [endless], Default::default());
        let behind = site.manager().get("id");
        site.world.stalled().await;
        site.engine()
            .clear_registration(&site.registration)
            .await
            .unwrap();
        assert_rejected(pending.await, AbortError, &["cleared"]);
        assert_rejected(behind.await, AbortError, &["cleared"]);
        site.world.stalled().await;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        site.assert_nothing_stored().await;
    });
}

#[test]
fn a_body_that_never_ends_holds_up_its_own_fetch_only() {
    tell(async |site| {
        site.serve("a", Resource::bytes("a"));
        site.serve("b", Resource::bytes("b").hold_at(0));
        let other = site.fetch("other", &["b"]).await.unwrap();
        let dropped = Arc::new(AtomicUsize::new(0));
        let endless = stream("endless", endless(&dropped));
        let _pending = site.manager().fetch("id", [endless], Default::default());
        site.world.stalled().await;

        // Its id is taken, and it is not there yet.
        assert_rejected(
            site.fetch("id", &["a"]).await,
            TypeError,
            &["\"id\"", "active already"],
        );
        assert_eq!(site.manager().get_ids().await.unwrap(), ["other"]);
        // Everything else of the registration goes on, to its end.
        let beside = site.fetch("beside", &["a"]).await.unwrap();
        assert_eq!(site.outcome(&beside).await, SUCCESS);
        assert_eq!(other.abort().await, Ok(true));
        site.over(&beside).await;
        site.over(&other).await;
    });
}

#[test]
fn get_of_a_fetch_whose_body_is_being_read_waits_for_it() {
    tell(async |site| {
        let (sender, body) = mpsc::unbounded();
        let request = stream("a", RequestBody::Stream(Box::pin(body)));
        site.serve("a", Resource::bytes("a").hold_at(0));
        let started = site.manager().fetch("id", [request], Default::default());
        let mut found = site.manager().get("id");
        site.world.stalled().await;
        assert!(futures::poll!(&mut found).is_pending());
        sender.unbounded_send(Ok("body".into())).unwrap();
        drop(sender);
        assert_eq!(found.await.unwrap(), Some(started.await.unwrap()));

        // One that fails leaves nothing to find, and its id is free.
        let failing = stream("a", chunks(&["b"], Some("the disk was pulled out")));
        let refused = site.manager().fetch("free", [failing], Default::default());
        let missed = site.manager().get("free");
        assert_rejected(refused.await, TypeError, &["pulled out"]);
        assert_eq!(missed.await, Ok(None));
        site.fetch("free", &["a"]).await.unwrap();
    });
}

#[test]
fn a_body_that_is_being_read_at_a_crash_is_gone_after_it() {
    tell(async |site| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let endless = stream("endless", endless(&dropped));
        let _pending = site.manager().fetch("id", [endless], Default::default());
        site.world.stalled().await;
        assert_eq!(site.usage().await, 11);
        site.crash_and_restart().await;
        assert_eq!(site.usage().await, 0);
        assert_eq!(site.engine().inspect(), []);
    });
}

#[test]
fn uploads_make_progress_and_uploaded_is_whole_once_something_was_downloaded() {
    tell(async |site| {
        let resource = Resource::pattern(1, 1000).upload_steps(100, std::time::Duration::from_secs(1));
        site.serve("a", resource.chunk_delay(std::time::Duration::from_secs(1)));
        let body = RequestBody::Bytes(pattern(2, 0, 1000));
        let registration = site
            .manager()
            .fetch("id", [stream("a", body)], Default::default())
            .await;
        let registration = registration.unwrap();
        let seen = Rc::new(Cell::new(0));
        let steps = Rc::new(Cell::new(0));
        let (last, count) = (Rc::clone(&seen), Rc::clone(&steps));
        registration.on_progress(move |registration| {
            assert!(registration.uploaded() >= last.get(), "it never goes back");
            count.set(count.get() + usize::from(registration.uploaded() > last.get()));
            last.set(registration.uploaded());
            if registration.downloaded() > 0 {
                assert_eq!(registration.uploaded(), registration.upload_total());
            }
        });
        progress(&registration).await;
        assert!(registration.uploaded() < 1000);
        assert_eq!(site.settled(&registration).await, SUCCESS);
        assert_eq!((seen.get(), steps.get()), (1000, 10));
    });
}

#[test]
fn every_method_that_takes_a_body_is_sent_with_it() {
    tell(async |site| {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            site.serve_pattern("a", 10);
            let asked = request(method.clone(), "https://site.example/a");
            let asked = RequestObject::with_body(asked, "body");
            let registration = site
                .manager()
                .fetch("id", [asked], Default::default())
                .await
                .unwrap();
            assert_eq!(site.settled(&registration).await, SUCCESS);
            let log = site.world.network.log();
            let last = log.last().unwrap();
            assert_eq!((&last.method, &last.body[..]), (&method, &b"body"[..]));
        }
    });
}

#[test]
fn the_bodies_are_gone_when_the_event_is_over() {
    tell(async |site| {
        site.serve("a", Resource::bytes("no").with_status(500));
        let registration = site
            .manager()
            .fetch("id", [upload("a", "body")], Default::default())
            .await;
        let registration = registration.unwrap();
        let reason: BackgroundFetchFailureReason = BadStatus;
        assert_eq!(site.settled(&registration).await, failure(reason));
        site.over(&registration).await;
        site.world.stalled().await;
        assert_eq!(site.usage().await, 0);
    });
}
