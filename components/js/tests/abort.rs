//! What aborts, as scripts see it.

mod common;

use common::run;

#[test]
fn a_signal_is_aborted_once_with_its_reason_and_tells_its_listeners() {
    let script = "
        const out = [];
        const controller = new AbortController();
        const { signal } = controller;
        out.push(controller.signal === signal, signal.aborted, signal.reason);
        signal.throwIfAborted();
        signal.onabort = e => out.push('handler ' + e.type + e.isTrusted + e.bubbles + signal.aborted);
        signal.addEventListener('abort', () => out.push('listener'));
        const reason = {};
        controller.abort(reason);
        controller.abort('again');
        out.push(signal.reason === reason);
        try { signal.throwIfAborted() } catch (e) { out.push(e === reason) }
        const other = AbortSignal.abort();
        out.push(other.aborted, other.reason.name, other.reason instanceof DOMException);
        out.push(AbortSignal.abort(null).reason);
        try { new AbortSignal() } catch (e) { out.push(e.name) }
        tell(out.join())";
    let expected =
        "true,false,,handler aborttruefalsetrue,listener,true,true,true,AbortError,true,,TypeError";
    assert_eq!(run(script), expected);
}

#[test]
fn a_dependent_signal_has_its_reason_before_anybody_is_told() {
    let script = "
        const out = [];
        const a = new AbortController(), b = new AbortController();
        const any = AbortSignal.any([a.signal, b.signal]);
        const nested = AbortSignal.any([any]);
        a.signal.onabort = () => out.push('source sees ' + any.aborted + nested.aborted);
        nested.onabort = () => out.push('nested');
        any.onabort = () => out.push('any');
        a.abort('why');
        b.abort('late');
        out.push(nested.reason, any.reason);
        out.push(AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason, AbortSignal.any([]).aborted);
        tell(out.join())";
    assert_eq!(run(script), "source sees truetrue,any,nested,why,why,1,false");
}

#[test]
fn dependents_that_somebody_listens_to_live_and_others_are_forgotten() {
    let script = "
        const controller = new AbortController();
        let heard = 0;
        for (let i = 0; i < 2000; i++) {
            const any = AbortSignal.any([controller.signal]);
            if (i % 1000 === 0) any.onabort = () => heard++;
        }
        controller.abort();
        tell(heard)";
    assert_eq!(run(script), "2");
}

#[test]
fn a_timeout_aborts_with_a_timeout_error() {
    let script = "
        const signal = AbortSignal.timeout(5);
        signal.onabort = () => tell([signal.reason.name, AbortSignal.any([signal]).reason === signal.reason].join());
        try { AbortSignal.timeout(-1) } catch (e) { if (e.name !== 'TypeError') tell(e.name) }";
    assert_eq!(run(script), "TimeoutError,true");
}

#[test]
fn a_signal_removes_listeners() {
    let script = "
        const controller = new AbortController();
        const target = new EventTarget();
        const out = [];
        const { signal } = controller;
        target.addEventListener('x', () => out.push('first'), { signal });
        target.addEventListener('x', () => controller.abort(), { signal });
        target.addEventListener('x', () => out.push('never'), { signal });
        target.addEventListener('x', () => out.push('stays'));
        target.dispatchEvent(new Event('x'));
        target.addEventListener('x', () => out.push('too late'), { signal });
        target.dispatchEvent(new Event('x'));
        try { target.addEventListener('x', null, { signal: null }) } catch (e) { out.push(e.name) }
        tell(out.join())";
    assert_eq!(run(script), "first,stays,stays,TypeError");
}
