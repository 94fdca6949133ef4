//! `Document`.

use std::cell::Cell;

use background_fetch::DomString;

use super::element::by_tag_name;
use super::node::{Kind, array_of};
use super::{Element, Node, Text, html_elements};
use crate::bindings::{DocumentMethods, DocumentReadyState, WindowMethods};
use crate::engine::{Cx, Object};
use crate::interfaces::{EventTarget, Location, Window, create_event};
use crate::realm::Realm;
use crate::webidl::{Fallible, FromJs, Inherits, Ref};

/// The document of a page.
///
/// <https://dom.spec.whatwg.org/#interface-document>
pub struct Document {
    node: Node,
    ready_state: Cell<DocumentReadyState>,
}

impl Inherits<Node> for Document {
    fn parent(&self) -> &Node {
        &self.node
    }
}

impl Default for Document {
    /// An empty document that is loading.
    fn default() -> Self {
        Self {
            node: Node::new(Kind::Document),
            ready_state: Cell::new(DocumentReadyState::Loading),
        }
    }
}

impl Document {
    /// Says how far it has come, and fires `readystatechange`.
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn set_ready_state<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        state: DocumentReadyState,
    ) -> Fallible<'js, ()> {
        this.ready_state.set(state);
        let event = create_event(cx, "readystatechange")?;
        EventTarget::dispatch(&this.upcast(), cx, &event);
        Ok(())
    }

    fn first<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, name: &str) -> Option<Ref<'js, Element>> {
        by_tag_name(&this.upcast(), cx, &name.into()).into_iter().next()
    }
}

impl DocumentMethods for Document {
    fn location<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Location>>> {
        let window = Ref::<Window>::from_js(cx, &cx.global().value())?;
        Window::location(&window, cx).map(Some)
    }

    fn url<'js>(_: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, String> {
        Ok(Realm::of(cx).settings().client.base_url.to_string())
    }

    fn document_uri<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, String> {
        Self::url(this, cx)
    }

    fn character_set<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok("UTF-8".into())
    }

    fn content_type<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok("text/html".into())
    }

    fn document_element<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Option<Ref<'js, Element>>> {
        let children = Node::children(&this.upcast(), cx);
        Ok(children.iter().find_map(Ref::downcast))
    }

    fn get_elements_by_tag_name<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        qualified_name: DomString,
    ) -> Fallible<'js, Vec<Ref<'js, Element>>> {
        Ok(by_tag_name(&this.upcast(), cx, &qualified_name))
    }

    fn create_element<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        local_name: DomString,
    ) -> Fallible<'js, Ref<'js, Element>> {
        html_elements::create_element(cx, &local_name.to_string(), this)
    }

    fn create_text_node<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        data: DomString,
    ) -> Fallible<'js, Ref<'js, Text>> {
        Text::create(cx, data, Some(this))
    }

    fn get_element_by_id<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        element_id: DomString,
    ) -> Fallible<'js, Option<Ref<'js, Element>>> {
        let elements = Node::descendants_of::<Element>(&this.upcast(), cx);
        Ok(elements
            .into_iter()
            .find(|element| element.attribute("id").as_ref() == Some(&element_id)))
    }

    fn ready_state<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DocumentReadyState> {
        Ok(this.ready_state.get())
    }

    fn title<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, DomString> {
        let title = Self::first(this, cx, "title");
        let text = title
            .map(|title| Node::text(&title.upcast(), cx))
            .unwrap_or_default();
        // Stripped, and runs of white space are one space.
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        Ok(words.join(" ").into())
    }

    fn set_title<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
        let title = match (Self::first(this, cx, "title"), Self::head(this, cx)?) {
            (Some(title), _) => title,
            (None, Some(head)) => {
                let title = html_elements::create_element(cx, "title", this)?;
                Node::insert(&head.upcast(), cx, &title.upcast(), None)?;
                title
            }
            (None, None) => return Ok(()),
        };
        Node::set_text(&title.upcast(), cx, &value)
    }

    fn body<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Element>>> {
        Ok(Self::first(this, cx, "body"))
    }

    fn head<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, Element>>> {
        Ok(Self::first(this, cx, "head"))
    }

    fn scripts<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Object<'js>> {
        array_of(cx, &by_tag_name(&this.upcast(), cx, &"script".into()))
    }
}
