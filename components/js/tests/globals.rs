//! A page's global, as scripts see it.

mod common;

use std::time::Duration;

use common::{UserAgent, run};

#[test]
fn the_global_is_a_window_by_every_name() {
    let script = "
        const out = [window === globalThis, self === window, top === self, parent === frames];
        out.push(window instanceof Window, window instanceof EventTarget);
        out.push(Object.prototype.toString.call(window));
        out.push(location.href, location.pathname, String(location), origin, isSecureContext);
        location.hash = 'x';
        try { location.href = '/elsewhere' } catch (e) { out.push(e.name, location.href) }
        out.push(Object.getOwnPropertyDescriptor(location, 'assign').configurable);
        out.push(navigator.appCodeName, navigator.languages.length > 0, Object.isFrozen(navigator.languages));
        window.addEventListener('x', e => out.push(e.target === window));
        dispatchEvent(new Event('x'));
        origin = 7; out.push(origin);
        tell(out.join())";
    let expected = "true,true,true,true,true,true,[object Window],https://site.example/page,/page,\
                    https://site.example/page,https://site.example,true,NotSupportedError,\
                    https://site.example/page#x,false,Mozilla,true,true,true,7";
    assert_eq!(run(script), expected);
}

#[test]
fn timers_run_in_the_order_in_which_they_are_due_and_nest() {
    let script = "
        const seen = [];
        setTimeout((a, b) => seen.push(a + b), 20, 'l', 'ate');
        setTimeout('globalThis.fromString = 1');
        setTimeout(() => { seen.push('first'); Promise.resolve().then(() => seen.push('microtask')); });
        setTimeout(() => seen.push('second'), -5);
        clearTimeout(setTimeout(() => seen.push('never')));
        let count = 0;
        const interval = setInterval(() => {
            if (++count == 3) { clearInterval(interval); seen.push('thrice'); }
        }, 1);
        const start = performance.now();
        let depth = 0;
        (function nest() {
            if (++depth < 10) return void setTimeout(nest);
            // The first five at once, the others after four milliseconds each: three of them.
            seen.push(performance.now() - start >= 11);
        })();
        setTimeout(() => tell(seen.join() + fromString), 120);";
    let told = run(script);
    assert!(told.starts_with("first,microtask,second,"), "{told}");
    assert!(
        told.contains("thrice") && told.contains("late") && told.contains("true") && told.ends_with('1'),
        "{told}"
    );
}

#[test]
fn ten_thousand_timers_are_quick() {
    let script = "
        let left = 10000;
        for (let i = 0; i < 10000; i++) setTimeout(() => { if (!--left) tell('all'); }, i % 7);
        for (let i = 0; i < 10000; i++) clearTimeout(setTimeout(() => tell('cleared'), 1));";
    let began = std::time::Instant::now();
    assert_eq!(run(script), "all");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn microtasks_run_before_the_next_task_and_report_what_they_throw() {
    let script = "
        const seen = [];
        onerror = (message, file, line, column, error) => { seen.push(error.message, line > 0); return true; };
        setTimeout(() => tell(seen.join()));
        queueMicrotask(() => { seen.push('m'); throw new Error('thrown'); });
        queueMicrotask(() => seen.push('n'));
        try { queueMicrotask({}) } catch (e) { seen.push(e.name) }";
    assert_eq!(run(script), "TypeError,m,thrown,true,n");
}

#[test]
fn rejections_that_nobody_handles_are_reported_and_taken_back() {
    let user_agent = UserAgent::new();
    let script = "
        const seen = [];
        addEventListener('unhandledrejection', e => {
            seen.push(e.reason, e.promise === rejected);
            if (e.reason == 'a') e.preventDefault();
            setTimeout(() => rejected.catch(() => {}));
        });
        addEventListener('rejectionhandled', e => { seen.push('handled', e.reason); tell(seen.join()); });
        const rejected = Promise.reject('a');
        Promise.reject('quickly').catch(() => {});";
    let page = user_agent.page("https://site.example/", script);
    assert_eq!(page.told(), "a,true,handled,a");
    page.run("Promise.reject(new TypeError('b')); setTimeout(() => tell('then'))");
    assert_eq!(page.told(), "then");
    let lines = user_agent.lines();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("error: Uncaught (in promise) TypeError: b"),
        "{lines:?}"
    );
}

#[test]
fn the_console_formats_as_people_expect() {
    let user_agent = UserAgent::new();
    let script = "
        console.log('%s is %d %%', 'x', 4.7, { a: [1, 'b', null], get c() { return 1; } }, -0, 3n, Symbol('s'));
        console.group('g'); console.warn(new Map([['k', new Set([1])]])); console.groupEnd();
        console.assert(1 > 2, 'no'); console.count(); console.count();
        console.table([{ a: 1, b: 2 }, { a: 3 }]);
        const o = {}; o.o = o; console.log(o, function f() {}, class K {}, Promise.resolve(1), [, 1]);
        console.log(); console.debug('d');
        reportError(7);
        tell('')";
    user_agent.page("https://site.example/", script).told();
    let expected = [
        "x is 4 % { a: [ 1, 'b', null ], c: [Getter] } -0 3n Symbol(s)",
        "g",
        "warning:   Map(1) { 'k' => Set(1) { 1 } }",
        "error: Assertion failed: no",
        "default: 1",
        "default: 2",
        "(index) | a | b\n--------|---|--\n0       | 1 | 2\n1       | 3 |",
        "{ o: [Circular] } [Function: f] [Function: K] Promise { 1 } [ undefined, 1 ]",
        "debug: d",
        "error: Uncaught 7",
    ];
    assert_eq!(user_agent.lines(), expected);
}

#[test]
fn base64_digests_and_random_bytes() {
    let script = "
        (async () => {
            const out = [btoa('\\xff\\x00'), atob(' /w A= '), atob('YQ')];
            try { btoa('\\u0100') } catch (e) { out.push(e.name) }
            try { atob('Y') } catch (e) { out.push(e.name) }
            const hex = buffer => [...new Uint8Array(buffer)].map(b => b.toString(16).padStart(2, 0)).join('');
            out.push(hex(await crypto.subtle.digest('SHA-256', new Uint8Array([97, 98, 99]))).slice(0, 8));
            out.push(hex(await crypto.subtle.digest({ name: 'sha-1' }, new ArrayBuffer(0))).slice(0, 8));
            await crypto.subtle.digest('MD5', new ArrayBuffer(0)).catch(e => out.push(e.name));
            out.push(crypto.getRandomValues(new Uint32Array(4)).some(n => n), crypto.randomUUID().length);
            try { crypto.getRandomValues(new Float32Array(1)) } catch (e) { out.push(e.name) }
            out.push(performance.timeOrigin > 1e12, performance.now() > 0);
            tell(out.join());
        })()";
    let expected = "/wA=,\u{ff}\u{0},a,InvalidCharacterError,InvalidCharacterError,ba7816bf,da39a3ee,\
                    NotSupportedError,true,36,TypeMismatchError,true,true";
    assert_eq!(run(script), expected);
}

#[test]
fn a_script_that_never_ends_is_ended_and_the_page_goes_on() {
    let mut user_agent = UserAgent::new();
    user_agent.time_limit = Duration::from_millis(200);
    for endless in [
        "try { while (true); } catch { tell('caught') } finally { tell('finally') }",
        "(function again() { Promise.resolve().then(again) })()",
        "queueMicrotask(function again() { queueMicrotask(again); })",
        "addEventListener('x', () => { while (true); }); while (true) dispatchEvent(new Event('x'))",
        "/(a+)+$/.test('a'.repeat(60) + 'b')",
        "new Promise(() => { for (;;); })",
        "Promise.resolve().then(() => { for (;;); })",
    ] {
        let page = user_agent.page("https://site.example/", "tell('ready')");
        assert_eq!(page.told(), "ready");
        let before = user_agent.lines().len();
        page.run(endless);
        page.run("tell('goes on')");
        assert_eq!(page.told(), "goes on", "{endless}");
        let lines = user_agent.lines();
        assert_eq!(
            lines[before], "error: a task ran for more than 0.2 s, and was ended",
            "{endless}"
        );
    }
}

#[test]
fn a_script_that_takes_all_memory_gets_an_error_and_the_page_goes_on() {
    let mut user_agent = UserAgent::new();
    user_agent.limits.memory = 24 << 20;
    user_agent.time_limit = Duration::from_secs(4);
    for greedy in [
        "const all = []; while (true) all.push(new Array(1000).fill(0))",
        "let text = 'x'; while (true) text += text",
        "let text = {}; while (true) text = { text }",
        "const all = new Map(); for (let i = 0; ; i++) all.set(i, 'k' + i)",
        "const all = []; while (true) all.push(new Event('x'))",
        "const all = []; while (true) all.push(Promise.reject(1))",
        "const all = []; while (true) all.push(setTimeout(() => {}, 1e9))",
        "const all = []; while (true) { try { all.push(new ArrayBuffer(100000)) } catch { all.push(1) } }",
        "(function deep() { deep() })()",
        "while (true) queueMicrotask(() => {})",
    ] {
        let page = user_agent.page("https://site.example/", "tell('ready')");
        assert_eq!(page.told(), "ready");
        let before = user_agent.lines().len();
        page.run(&format!("{{ {greedy} }}"));
        page.run("tell('goes on')");
        assert_eq!(page.told(), "goes on", "{greedy}");
        assert!(user_agent.lines().len() > before, "{greedy} is reported");
    }
}

#[test]
fn a_script_that_ran_out_of_memory_is_told_so_in_words_and_where() {
    let mut user_agent = UserAgent::new();
    user_agent.limits.memory = 8 << 20;
    let words = "Uncaught InternalError: out of memory: the scripts of this realm may take up 8 MiB";
    for (greedy, line) in [
        ("const all = [];\nwhile (true) all.push({});", 2),
        ("let all;\n\nwhile (true) all = { all };", 3),
        ("const all = [];\nfor (let i = 0;; i++) all.push('text ' + i);", 2),
        (
            "(async () => {\nconst all = []; while (true) all.push(Symbol());\n})()",
            2,
        ),
    ] {
        let page = user_agent.page(
            "https://site.example/",
            "onerror = (message, file, line) => tell([message, file, line]); tell('ready')",
        );
        assert_eq!(page.told(), "ready");
        page.run(&format!("{{ {greedy} }}"));
        let is_rejected = greedy.contains("async");
        if !is_rejected {
            assert_eq!(page.told(), format!("{words},later.js,{line}"), "{greedy}");
        }
        page.run("tell('goes on')");
        assert_eq!(page.told(), "goes on", "{greedy}");
        let last = user_agent.lines().pop().unwrap();
        let expected = match is_rejected {
            true => words.replace("Uncaught", "Uncaught (in promise)"),
            false => words.to_owned(),
        };
        assert!(last.starts_with(&format!("error: {expected}")), "{last}");
        assert!(last.contains(&format!("later.js:{line}:")), "{last}");
    }
    // Where there is none even for an error.
    let page = user_agent.page("https://site.example/", "tell('ready')");
    assert_eq!(page.told(), "ready");
    page.run("{ const all = []; while (true) try { while (true) all.push({}) } catch (error) { if (error === null) throw error } }");
    page.run("throw null");
    page.run("tell('goes on')");
    assert_eq!(page.told(), "goes on");
    let lines = user_agent.lines();
    assert_eq!(
        lines[lines.len() - 2..],
        [format!("error: {words}"), "error: Uncaught null".to_owned()]
    );
}
