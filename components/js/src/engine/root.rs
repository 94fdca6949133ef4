//! [`Root`]: a value that the host keeps alive.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use rquickjs::{JsLifetime, Persistent};

use super::{Cx, Value};

type Saved = Persistent<rquickjs::Value<'static>>;

/// The values that the host keeps alive; empty when the engine ends.
#[derive(Clone, Default)]
pub(super) struct Roots(Rc<RefCell<Table>>);

/// The values, and the places that are free again: a timer takes one and gives it back, however many there are.
#[derive(Default)]
struct Table {
    saved: Vec<Option<Saved>>,
    free: Vec<usize>,
}

// SAFETY: it has no lifetime.
unsafe impl<'js> JsLifetime<'js> for Roots {
    type Changed<'to> = Roots;
}

impl Roots {
    pub(super) fn clear(&self) {
        // What is dropped may drop roots.
        let table = std::mem::take(&mut *self.0.borrow_mut());
        drop(table);
    }
}

/// A value that is kept alive from outside of the engine's heap, until this is dropped or the engine ends.
///
/// What it keeps alive must not keep it: the engine does not see such a cycle.
pub struct Root {
    roots: Weak<RefCell<Table>>,
    place: usize,
}

impl<'js> Cx<'js> {
    /// Keeps a value alive.
    pub fn root(&self, value: &Value<'js>) -> Root {
        let roots = self.0.userdata::<Roots>().map(|roots| roots.0.clone());
        let roots = roots.expect("an engine has roots");
        let saved = Some(Persistent::save(&self.0, value.0.clone()));
        let mut table = roots.borrow_mut();
        let place = match table.free.pop() {
            Some(place) => {
                table.saved[place] = saved;
                place
            }
            None => {
                table.saved.push(saved);
                table.saved.len() - 1
            }
        };
        drop(table);
        Root {
            roots: Rc::downgrade(&roots),
            place,
        }
    }
}

impl Root {
    /// The value; undefined where `cx` is of another engine.
    pub fn get<'js>(&self, cx: &Cx<'js>) -> Value<'js> {
        let saved = self
            .roots
            .upgrade()
            .and_then(|roots| roots.borrow().saved.get(self.place).cloned().flatten());
        let value = saved.and_then(|saved| saved.restore(&cx.0).ok());
        value.map_or_else(|| cx.undefined(), Value)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let Some(roots) = self.roots.upgrade() else { return };
        let mut table = roots.borrow_mut();
        let saved = table.saved.get_mut(self.place).and_then(Option::take);
        if saved.is_some() {
            table.free.push(self.place);
        }
        drop(table);
        // Nothing is borrowed any more when what was kept is dropped.
        drop(saved);
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Root")
    }
}
