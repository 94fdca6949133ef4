//! Events, as scripts see them.

mod common;

use common::run;

#[test]
fn listeners_are_called_in_order_and_once_where_they_say_so() {
    let script = "
        const target = new EventTarget();
        const seen = [];
        target.addEventListener('x', e => seen.push('a' + e.type));
        target.addEventListener('x', { handleEvent(e) { seen.push(this === e.currentTarget ? 'bad' : 'b'); } });
        target.addEventListener('x', () => seen.push('once'), { once: true });
        target.addEventListener('x', () => seen.push('capture'), true);
        const event = new CustomEvent('x', { detail: 7, cancelable: true });
        target.addEventListener('x', e => e.preventDefault());
        seen.push(target.dispatchEvent(event), event.defaultPrevented, event.detail, event.target === target);
        target.dispatchEvent(new Event('x'));
        tell(seen.join())";
    assert_eq!(run(script), "capture,ax,b,once,false,true,7,true,capture,ax,b");
}

#[test]
fn interface_objects_have_the_properties_of_web_idl() {
    let script = "
        const out = [];
        out.push(Event.name, Event.length, Event.NONE, Event.prototype.BUBBLING_PHASE);
        out.push(Object.getPrototypeOf(CustomEvent) === Event);
        out.push(Object.getPrototypeOf(CustomEvent.prototype) === Event.prototype);
        out.push(Object.prototype.toString.call(new CustomEvent('y')));
        const d = Object.getOwnPropertyDescriptor(globalThis, 'Event');
        out.push(d.writable, d.enumerable, d.configurable);
        const a = Object.getOwnPropertyDescriptor(Event.prototype, 'type');
        out.push(a.get.name, a.set, a.enumerable, EventTarget.prototype.addEventListener.length);
        try { Event('x') } catch (e) { out.push(e.name) }
        try { new Event() } catch (e) { out.push(e.message) }
        try { a.get.call({}) } catch (e) { out.push(e.message) }
        class Mine extends EventTarget {}
        out.push(new Mine() instanceof EventTarget, new Mine() instanceof Mine);
        out.push(Object.getOwnPropertyNames(new Event('x')).join());
        tell(out.join())";
    let expected = "Event,1,0,3,true,true,[object CustomEvent],true,false,true,get type,,true,2,TypeError,\
                    Event: it takes 1 argument, and 0 came,Event.type: it is not a Event,true,true,isTrusted";
    assert_eq!(run(script), expected);
}
