//! `CharacterData` and `Text`.

use std::cell::RefCell;

use background_fetch::DomString;

use super::node::Kind;
use super::{Document, Node};
use crate::bindings::{CharacterDataMethods, TextMethods};
use crate::engine::{Cx, Slots};
use crate::webidl::{Fallible, Inherits, Ref, create};

/// A node that is text.
///
/// <https://dom.spec.whatwg.org/#interface-characterdata>
pub struct CharacterData {
    node: Node,
    data: RefCell<DomString>,
}

impl Inherits<Node> for CharacterData {
    fn parent(&self) -> &Node {
        &self.node
    }
}

impl CharacterData {
    /// Its text.
    pub fn text(&self) -> String {
        self.data.borrow().to_string()
    }

    /// Gives it other text.
    pub fn set_text(&self, text: DomString) {
        *self.data.borrow_mut() = text;
    }
}

impl CharacterDataMethods for CharacterData {
    fn kept_bytes(&self) -> usize {
        2 * self.data.borrow().len()
    }

    fn data<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(this.data.borrow().clone())
    }

    fn set_data<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
        this.set_text(value);
        Ok(())
    }

    fn length<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u32> {
        Ok(this.data.borrow().len() as u32)
    }
}

/// Text.
///
/// <https://dom.spec.whatwg.org/#interface-text>
pub struct Text(CharacterData);

impl Inherits<CharacterData> for Text {
    fn parent(&self) -> &CharacterData {
        &self.0
    }
}

impl Text {
    fn new(data: DomString) -> Self {
        Self(CharacterData {
            node: Node::new(Kind::Text),
            data: RefCell::new(data),
        })
    }

    /// A text node of a document.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn create<'js>(
        cx: &Cx<'js>,
        data: DomString,
        document: Option<&Ref<'js, Document>>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let text = create(cx, Self::new(data), Slots::default())?;
        if let Some(document) = document {
            Node::set_document(&text.upcast(), document);
        }
        Ok(text)
    }
}

impl TextMethods for Text {
    fn constructor<'js>(_: &Cx<'js>, _: &Slots<'js>, data: DomString) -> Fallible<'js, Self> {
        Ok(Self::new(data))
    }
}
