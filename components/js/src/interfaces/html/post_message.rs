//! Messages of a window to itself: there are no other windows that it could send them to.

use url::Url;

use crate::engine::{Cx, Object, Value};
use crate::interfaces::{EventTarget, Message, Serialized, structured_serialize};
use crate::realm::{Realm, report_thrown};
use crate::webidl::{Error, Fallible, Ref};

/// The window post message steps.
///
/// <https://html.spec.whatwg.org/multipage/web-messaging.html#window-post-message-steps>
pub(super) fn post_message<'js>(
    cx: &Cx<'js>,
    message: &Value<'js>,
    target_origin: &str,
    transfer: &[Object<'js>],
) -> Fallible<'js, ()> {
    let realm = Realm::of(cx);
    let origin = realm.settings().client.origin.clone();
    // 3 to 5. Whom it is for.
    let is_for_this = match target_origin {
        "*" | "/" => true,
        url => match Url::parse(url) {
            Ok(url) => Some(url.origin().ascii_serialization()) == origin,
            Err(error) => {
                let message = format!("the target origin is no URL: {error}");
                return Err(Error::dom("SyntaxError", message));
            }
        },
    };
    // 6 and 7.
    let serialized = structured_serialize(cx, message, transfer)?;
    // 8.
    if is_for_this {
        let origin = origin.unwrap_or_else(|| "null".to_owned());
        realm.handle().queue_task(move |cx| {
            let received = receive(cx, serialized, origin);
            report_thrown(cx, received);
        });
    }
    Ok(())
}

/// 8.2 to 8.9.
fn receive<'js>(cx: &Cx<'js>, serialized: Serialized, origin: String) -> Fallible<'js, ()> {
    let window = cx.global();
    let target = Ref::<EventTarget>::of(cx, &window)?;
    let message = |data, ports| Message {
        data,
        origin,
        source: window.value(),
        ports,
    };
    match serialized.deserialize(cx) {
        Ok(deserialized) => {
            let ports = deserialized.ports(cx);
            message(deserialized.value, ports).fire(cx, "message", &target)
        }
        Err(_) => message(cx.null(), Vec::new()).fire(cx, "messageerror", &target),
    }
}
