//! The elements of HTML that do something here.

use std::cell::Cell;

use background_fetch::DomString;
use background_fetch::fetch::ReferrerPolicy;

use super::{Document, Element, Node, PendingScript};
use crate::bindings::{HTMLElementMethods, HTMLMetaElementMethods, HTMLScriptElementMethods};
use crate::engine::{Cx, Slots};
use crate::host::page::run_inserted;
use crate::realm::Realm;
use crate::webidl::{Fallible, Inherits, Ref, create};

/// Any element of HTML.
///
/// <https://html.spec.whatwg.org/multipage/dom.html#htmlelement>
pub struct HTMLElement(Element);

impl Inherits<Element> for HTMLElement {
    fn parent(&self) -> &Element {
        &self.0
    }
}

impl HTMLElementMethods for HTMLElement {}

/// `meta`: a Content Security Policy is obeyed when it is inserted.
///
/// <https://html.spec.whatwg.org/multipage/semantics.html#the-meta-element>
pub struct HTMLMetaElement(HTMLElement);

impl Inherits<HTMLElement> for HTMLMetaElement {
    fn parent(&self) -> &HTMLElement {
        &self.0
    }
}

/// `script`: one of the page is run by whoever parses it, one that a script makes when it is inserted.
///
/// <https://html.spec.whatwg.org/multipage/scripting.html#the-script-element>
pub struct HTMLScriptElement {
    element: HTMLElement,
    /// The already started flag.
    is_started: Cell<bool>,
}

impl Inherits<HTMLElement> for HTMLScriptElement {
    fn parent(&self) -> &HTMLElement {
        &self.element
    }
}

impl HTMLScriptElement {
    /// Leaves it to the parser to run it.
    pub(super) fn leave_to_parser(&self) {
        self.is_started.set(true);
    }

    /// The script that it is, where it may run; from now on it has been.
    ///
    /// <https://html.spec.whatwg.org/multipage/scripting.html#prepare-the-script-element>
    fn start<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Option<PendingScript> {
        let element: Ref<'js, Element> = this.upcast();
        let text = Node::text(&this.upcast(), cx);
        let src = element.attribute("src").map(|src| src.to_string());
        if this.is_started.get() || (src.is_none() && text.is_empty()) {
            return None;
        }
        let script = PendingScript::of(&element.reflect("type").to_string(), src, text)?;
        this.is_started.set(true);
        Some(script)
    }
}

/// Creates an element: the interface follows from the name.
///
/// # Errors
///
/// Where the engine has no memory.
///
/// <https://dom.spec.whatwg.org/#concept-create-element>
pub(super) fn create_element<'js>(
    cx: &Cx<'js>,
    name: &str,
    document: &Ref<'js, Document>,
) -> Fallible<'js, Ref<'js, Element>> {
    let name = name.to_ascii_lowercase();
    let html = HTMLElement(Element::new(&name));
    let slots = Slots::default();
    let element: Ref<'js, Element> = match name.as_str() {
        "meta" => create(cx, HTMLMetaElement(html), slots)?.upcast(),
        "script" => {
            let script = HTMLScriptElement {
                element: html,
                is_started: Cell::new(false),
            };
            create(cx, script, slots)?.upcast()
        }
        _ => create(cx, html, slots)?.upcast(),
    };
    Node::set_document(&element.upcast(), document);
    Ok(element)
}

/// What happens when a node comes into the document.
pub(super) fn inserted<'js>(cx: &Cx<'js>, node: &Ref<'js, Node>) {
    if let Some(script) = node.downcast::<HTMLScriptElement>()
        && let Some(pending) = HTMLScriptElement::start(&script, cx)
    {
        return run_inserted(cx, &script.upcast(), pending);
    }
    let Some(meta) = node.downcast::<HTMLMetaElement>() else {
        return;
    };
    let element: Ref<'js, Element> = meta.upcast();
    let equivalent = element.reflect("http-equiv").to_string();
    if equivalent.eq_ignore_ascii_case("content-security-policy") {
        Realm::of(cx).add_content_security_policy(element.reflect("content").to_string());
    }
    // https://html.spec.whatwg.org/multipage/semantics.html#meta-referrer
    if element
        .reflect("name")
        .to_string()
        .eq_ignore_ascii_case("referrer")
    {
        let content = element.reflect("content").to_string().trim().to_ascii_lowercase();
        let policy = match content.as_str() {
            "never" => Ok(ReferrerPolicy::NoReferrer),
            "default" => Ok(ReferrerPolicy::default()),
            "always" => Ok(ReferrerPolicy::UnsafeUrl),
            "origin-when-crossorigin" => Ok(ReferrerPolicy::OriginWhenCrossOrigin),
            policy => policy.parse(),
        };
        match policy {
            Ok(ReferrerPolicy::Empty) | Err(_) => {}
            Ok(policy) => Realm::of(cx).set_referrer_policy(policy),
        }
    }
}

macro_rules! reflect {
    ($($get:ident, $set:ident: $attribute:literal;)*) => {$(
        fn $get<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, DomString> {
            Ok(this.upcast::<Element>().reflect($attribute))
        }

        fn $set<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
            this.upcast::<Element>().put_attribute($attribute, value);
            Ok(())
        }
    )*};
}

impl HTMLMetaElementMethods for HTMLMetaElement {
    reflect! {
        name, set_name: "name";
        http_equiv, set_http_equiv: "http-equiv";
        content, set_content: "content";
    }
}

impl HTMLScriptElementMethods for HTMLScriptElement {
    reflect! {
        type_, set_type: "type";
    }

    fn src<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, String> {
        let src = this.upcast::<Element>().reflect("src").to_string();
        let base = Realm::of(cx).settings().client.base_url.clone();
        Ok(match base.join(&src) {
            Ok(url) if !src.is_empty() => url.into(),
            _ => src,
        })
    }

    fn set_src<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        this.upcast::<Element>().put_attribute("src", value.into());
        Ok(())
    }

    fn async_<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, bool> {
        Ok(this.upcast::<Element>().attribute("async").is_some())
    }

    fn set_async<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: bool) -> Fallible<'js, ()> {
        this.upcast::<Element>().toggle_attribute("async", value);
        Ok(())
    }

    fn text<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, DomString> {
        Ok(Node::text(&this.upcast(), cx).into())
    }

    fn set_text<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, value: DomString) -> Fallible<'js, ()> {
        Node::set_text(&this.upcast(), cx, &value)
    }
}
