//! What two ports have in common, outside of their realms: a queue each, and the realms that they are in.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;

use super::MessagePort;
use crate::interfaces::structured_clone::Serialized;
use crate::realm::RealmHandle;

/// One of two entangled ports. It may be on its way between realms; dropping it disentangles them.
pub struct End {
    shared: Arc<Mutex<Shared>>,
    side: usize,
}

struct Shared {
    sides: [Side; 2],
    is_entangled: bool,
}

#[derive(Default)]
struct Side {
    /// The messages that its port has not seen.
    queue: VecDeque<Serialized>,
    /// Its port message queue is enabled.
    is_enabled: bool,
    /// Where its port is; nowhere while it is on its way.
    port: Option<(RealmHandle, PortId)>,
}

/// The number of a port in its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct PortId(pub(super) u64);

impl Side {
    /// Queues the task that takes a message out.
    fn queue_delivery(&self) {
        if let Some((realm, port)) = self.port.as_ref().filter(|_| self.is_enabled) {
            let port = *port;
            realm.queue_task(move |cx| MessagePort::deliver(cx, port));
        }
    }

    /// Queues the task that says that the other port is gone.
    fn queue_close(&self) {
        if let Some((realm, port)) = &self.port {
            let port = *port;
            realm.queue_task(move |cx| MessagePort::other_is_gone(cx, port));
        }
    }
}

/// Two ports that are entangled.
///
/// <https://html.spec.whatwg.org/multipage/web-messaging.html#entangle>
pub(super) fn entangle() -> [End; 2] {
    let shared = Arc::new(Mutex::new(Shared {
        sides: Default::default(),
        is_entangled: true,
    }));
    [0, 1].map(|side| End {
        shared: shared.clone(),
        side,
    })
}

impl End {
    /// Whether it still has the other.
    pub(super) fn is_entangled(&self) -> bool {
        self.shared.lock().is_entangled
    }

    /// Whether two are entangled with each other.
    pub(super) fn is_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared) && self.side != other.side
    }

    /// Gives the other a message.
    pub(super) fn post(&self, message: Serialized) {
        let mut shared = self.shared.lock();
        if !shared.is_entangled {
            // What came with it may be an end of this very pair.
            drop(shared);
            return drop(message);
        }
        let other = &mut shared.sides[1 - self.side];
        other.queue.push_back(message);
        other.queue_delivery();
    }

    /// Its port is in this realm.
    pub(super) fn attach(&self, realm: RealmHandle, port: PortId) {
        let mut shared = self.shared.lock();
        let is_entangled = shared.is_entangled;
        let side = &mut shared.sides[self.side];
        side.port = Some((realm, port));
        if !is_entangled {
            side.queue_close();
        }
    }

    /// Its port goes to another realm.
    pub(super) fn detach(&self) {
        let side = &mut self.shared.lock().sides[self.side];
        side.port = None;
        side.is_enabled = false;
    }

    /// Enables its port message queue.
    pub(super) fn enable(&self) {
        let side = &mut self.shared.lock().sides[self.side];
        if !side.is_enabled {
            side.is_enabled = true;
            for _ in 0..side.queue.len() {
                side.queue_delivery();
            }
        }
    }

    /// The next message.
    pub(super) fn take(&self) -> Option<Serialized> {
        let side = &mut self.shared.lock().sides[self.side];
        if !side.is_enabled {
            return None;
        }
        side.queue.pop_front()
    }

    /// Whether there are messages that its port has not seen.
    pub(super) fn has_messages(&self) -> bool {
        !self.shared.lock().sides[self.side].queue.is_empty()
    }

    /// <https://html.spec.whatwg.org/multipage/web-messaging.html#disentangle>
    pub(super) fn disentangle(&self) {
        let mut shared = self.shared.lock();
        if mem::replace(&mut shared.is_entangled, false) {
            shared.sides[1 - self.side].queue_close();
        }
    }
}

thread_local! {
    /// The messages of ports that are being dropped, where that has begun.
    static DROPPED: RefCell<Option<Vec<VecDeque<Serialized>>>> = const { RefCell::new(None) };
}

impl Drop for End {
    fn drop(&mut self) {
        self.disentangle();
        let queue = mem::take(&mut self.shared.lock().sides[self.side].queue);
        if queue.is_empty() {
            return;
        }
        // A message may have a port whose messages have ports, and so on: as deep as a script likes, and deeper than the stack.
        let is_first = DROPPED.with_borrow_mut(|dropped| {
            let is_first = dropped.is_none();
            dropped.get_or_insert_default().push(queue);
            is_first
        });
        if !is_first {
            return;
        }
        while let Some(queue) = DROPPED.with_borrow_mut(|dropped| dropped.as_mut().and_then(Vec::pop)) {
            drop(queue);
        }
        DROPPED.take();
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("side", &self.side).finish()
    }
}
